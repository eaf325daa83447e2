package dendrite

import (
	"cmp"
	"fmt"
	"strings"
)

const (
	serverName   = "hs.test"
	sharedSecret = "shared secret of the tests"
)

// config is the server's configuration: SQLite, accounts by shared secret only,
// nothing that goes out.
func (s *Server) config() string {
	db := func(name string) string {
		return fmt.Sprintf("database:\n    connection_string: \"file:%s/db/%s.db\"", s.dir, name)
	}
	return strings.NewReplacer(
		"{dir}", s.dir, "{url}", s.URL(), "{name}", serverName, "{secret}", sharedSecret,
		"{limit}", fmt.Sprintf("enabled: %v, threshold: %d, cooloff_ms: %d", s.opts.RateLimit, cmp.Or(s.opts.Threshold, 20), cmp.Or(s.opts.Cooloff, 500)),
		"{room version}", cmp.Or(s.opts.RoomVersion, "10"),
		"{federation db}", db("federationapi"), "{key db}", db("keyserver"), "{media db}", db("mediaapi"), "{room db}", db("roomserver"),
		"{sync db}", db("syncapi"), "{user db}", db("userapi"), "{relay db}", db("relayapi"), "{mscs db}", db("mscs"),
	).Replace(`version: 2
global:
  server_name: {name}
  private_key: {dir}/matrix_key.pem
  key_validity_period: 168h0m0s
  disable_federation: true
  well_known_client_name: "{url}"
  trusted_third_party_id_servers: []
  presence: {enable_inbound: false, enable_outbound: false}
  report_stats: {enabled: false}
  server_notices: {enabled: false}
  metrics: {enabled: false}
  sentry: {enabled: false}
  jetstream:
    storage_path: {dir}/jetstream
    in_memory: false
    topic_prefix: Dendrite
  cache: {max_size_estimated: 67108864, max_age: 1h}
client_api:
  registration_disabled: true
  registration_shared_secret: "{secret}"
  guests_disabled: true
  rate_limiting: { {limit} }
federation_api:
  key_perspectives: []
  {federation db}
key_server:
  {key db}
media_api:
  {media db}
  base_path: {dir}/media
  max_file_size_bytes: 10485760
  max_thumbnail_generators: 1
room_server:
  default_room_version: "{room version}"
  {room db}
sync_api:
  {sync db}
  search: {enabled: false}
user_api:
  bcrypt_cost: 4
  account_{user db}
relay_api:
  {relay db}
mscs:
  mscs: []
  {mscs db}
logging:
- type: std
  level: warn
`)
}
