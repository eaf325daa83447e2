package mastodon

// instance is GET /api/v2/instance.
// https://docs.joinmastodon.org/entities/Instance/
func (s *Server) instance() object {
	return object{
		"domain": s.o.Domain, "title": "Mastodon", "version": "4.5.2", "source_url": "https://github.com/mastodon/mastodon",
		"description": "A server for tests", "usage": object{"users": object{"active_month": 4}}, "languages": []string{"en"},
		"configuration": s.configuration(),
		"registrations": object{"enabled": false, "approval_required": false, "message": nil},
		"contact":       object{"email": "staff@" + s.o.Domain, "account": nil}, "rules": []any{},
	}
}

// instance1 is GET /api/v1/instance.
// https://docs.joinmastodon.org/entities/V1_Instance/
func (s *Server) instance1() object {
	return object{
		"uri": s.o.Domain, "title": "Mastodon", "short_description": "A server for tests", "description": "", "email": "staff@" + s.o.Domain,
		"version": "3.5.3", "urls": object{}, "stats": object{"user_count": 4, "status_count": len(s.statuses), "domain_count": 1},
		"thumbnail": nil, "languages": []string{"en"}, "registrations": false, "approval_required": false, "invites_enabled": false,
		"configuration": s.configuration(), "contact_account": nil, "rules": []any{},
	}
}

func (s *Server) configuration() object {
	return object{
		"urls":     object{"streaming": "wss://" + s.o.Domain},
		"accounts": object{"max_featured_tags": 10},
		"statuses": object{"max_characters": s.o.MaxCharacters, "max_media_attachments": 4, "characters_reserved_per_url": 23},
		"polls":    object{"max_options": 4, "max_characters_per_option": 50, "min_expiration": 300, "max_expiration": 2629746},
	}
}

// account is the account that the token belongs to.
// https://docs.joinmastodon.org/entities/Account/
func (s *Server) account() object {
	return object{
		"id": accountID, "username": s.o.Account, "acct": s.o.Account, "display_name": "The " + s.o.Account + " project", "locked": false, "bot": false,
		"created_at": "2022-11-06T00:00:00.000Z", "note": "<p>Imaging</p>", "url": "https://" + s.o.Domain + "/@" + s.o.Account,
		"followers_count": 4, "following_count": 0, "statuses_count": len(s.statuses), "last_status_at": nil, "emojis": []any{}, "fields": []any{},
	}
}
