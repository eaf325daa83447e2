package ircd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func (s *Server) writeConfigs() error {
	p := s.ports
	files := map[string]string{
		"hub/inspircd.conf":  s.inspircd("hub.rig", "1AA", "hub", p.strict, p.relaxed, p.link, p.rogue),
		"atheme/atheme.conf": s.atheme(),
		"atheme/atheme.motd": "",
	}
	if s.opts.Leaf {
		files["leaf/inspircd.conf"] = s.inspircd("leaf.rig", "2BB", "leaf", p.leafStrict, p.leafRelaxed, p.leafLink, 0) +
			"<autoconnect period=\"1\" server=\"hub.rig\">\n"
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// inspircd is a server's configuration. The class "strict" has the flood limits
// of upstream's example configuration, "relaxed" has none.
func (s *Server) inspircd(name, id, dir string, strict, relaxed, link, rogue int) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	d, c := filepath.Join(s.Dir, dir), filepath.Join(s.Dir, "certs")
	w(`<config format="xml">`)
	w(`<path configdir="%s" datadir="%s" logdir="%s" runtimedir="%s">`, d, d, d, d)
	w(`<server name="%s" description="test" id="%s" network="TestNet">`, name, id)
	w(`<admin name="test" nick="test" email="test@irc.test">`)
	w(`<bind address="127.0.0.1" port="%d" type="clients" sslprofile="main">`, strict)
	w(`<bind address="127.0.0.1" port="%d" type="clients" sslprofile="main">`, relaxed)
	w(`<bind address="127.0.0.1" port="%d" type="servers">`, link)
	profile := `<sslprofile name="%s" provider="gnutls" cafile="%s/%s.pem" certfile="%s/%s.pem" keyfile="%s/%s.key" hash="sha256" requestclientcert="yes">`
	w(profile, "main", c, "ca", c, "server", c, "server")
	if rogue != 0 {
		w(`<bind address="127.0.0.1" port="%d" type="clients" sslprofile="rogue">`, rogue)
		w(profile, "rogue", c, "rogue-ca", c, "rogue", c, "rogue")
	}
	for m := range strings.FieldsSeq(`account alias banexception banredirect botmode callerid cap chanhistory chghost
		cloaking customprefix deaf hidechans hideoper hostcycle inviteexception ircv3 ircv3_accounttag ircv3_batch
		ircv3_capnotify ircv3_chghost ircv3_ctctags ircv3_echomessage ircv3_invitenotify ircv3_labeledresponse
		ircv3_msgid ircv3_servertime joinflood kicknorejoin knock messageflood monitor muteban namesx nickflood
		noctcp nokicks nonotice permchannels redirect sajoin sakick samode sanick sapart saquit sasl satopic
		services_account servprotect showwhois spanningtree ssl_gnutls sslinfo sslmodes stripcolor svshold timedbans
		topiclock uhnames`) {
		if exists("/usr/lib/inspircd/modules/m_" + m + ".so") {
			w(`<module name="%s">`, m)
		}
	}
	w(`<cloak mode="full" key="testtesttesttesttesttesttesttesttest" prefix="t-" suffix=".ip">`)
	w(`<connect name="relaxed" allow="*" port="%d" maxchans="200" timeout="30" pingfreq="2m" hardsendq="16M"
  softsendq="1M" recvq="4M" threshold="100000" commandrate="1" fakelag="no" localmax="5000" globalmax="5000"
  maxconnwarn="no" resolvehostnames="no" useident="no" limit="5000" modes="+x">`, relaxed)
	w(`<connect name="strict" allow="*" maxchans="20" timeout="20" pingfreq="2m" hardsendq="1M" softsendq="10240"
  recvq="10K" threshold="10" commandrate="1000" fakelag="yes" localmax="2000" globalmax="2000"
  maxconnwarn="no" resolvehostnames="no" useident="no" limit="5000" modes="+x">`)
	w(`<class name="all" commands="*" privs="*" usermodes="*" chanmodes="*">
<type name="god" classes="all">
<oper name="%s" password="%s" host="*@*" type="god">`, s.OperName, s.OperSecret)
	w(`<options casemapping="%s" defaultmodes="not" announcets="yes" allowmismatch="no" defaultbind="ipv4"
  prefixquit="Quit: " cyclehostsfromuser="no" hostintopic="yes" invitebypassmodes="yes">`, s.opts.Casemapping)
	w(`<dns enabled="no">
<performance quietbursts="yes" softlimit="4000" somaxconn="512" clonesonconnect="yes">
<security announceinvites="dynamic" hideulines="no" maxtargets="20" restrictbannedusers="yes" userstats="Pu">
<limits maxaway="200" maxchan="60" maxhost="64" maxident="10" maxkick="300" maxmodes="20" maxnick="30"
  maxquit="300" maxreal="130" maxtopic="330">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="ircd.log">
<whowas groupsize="10" maxgroups="100000" maxkeep="1h">
<hostname charmap="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_/.0123456789">
<chanhistory bots="yes" enableumode="yes" maxlines="50" prefixmsg="yes">
<sslmodes enableumode="yes">
<services_account accountoverrideshold="yes">
<sasl target="services.rig" requiressl="no">
<uline server="services.rig" silent="yes">`)
	w(`<link name="services.rig" ipaddr="127.0.0.1" port="%d" allowmask="127.0.0.0/8" sendpass="rig" recvpass="rig" timeout="30">`, link)
	w(`<link name="hub.rig" ipaddr="127.0.0.1" port="%d" allowmask="127.0.0.0/8" sendpass="rig" recvpass="rig" timeout="30">`, s.ports.link)
	w(`<link name="leaf.rig" ipaddr="127.0.0.1" port="%d" allowmask="127.0.0.0/8" sendpass="rig" recvpass="rig" timeout="30">`, s.ports.leafLink)
	return b.String()
}

// atheme is the services' configuration. Modules that Debian's package lacks are
// left out.
func (s *Server) atheme() string {
	var b strings.Builder
	fmt.Fprintln(&b, `loadmodule "modules/protocol/inspircd"; loadmodule "modules/backend/opensex"; loadmodule "modules/crypto/pbkdf2v2";`)
	for dir, names := range map[string]string{
		"nickserv": "main access badmail cert drop enforce ghost group help identify info login logout register regain release " +
			"return set_core set_enforcetime set_password set_property status list",
		"saslserv": "main plain external authcookie",
		"chanserv": "main access ban flags info invite op owner register set_core status",
		"operserv": "main",
	} {
		for name := range strings.FieldsSeq(names) {
			found, _ := filepath.Glob("/usr/lib/*/atheme/modules/" + dir + "/" + name + ".so")
			if len(found) > 0 {
				fmt.Fprintf(&b, "loadmodule \"modules/%s/%s\";\n", dir, name)
			}
		}
	}
	fmt.Fprintf(&b, `serverinfo { name = "services.rig"; desc = "Services"; numeric = "00A"; recontime = 1; netname = "TestNet";
  hidehostsuffix = "users.rig"; adminname = "test"; adminemail = "test@irc.test"; registeremail = "noreply@irc.test";
  mta = "/bin/true"; loglevel = { error; info; admin; network; }; maxlogins = 50; maxusers = 0; mdlimit = 30;
  emaillimit = 1000; emailtime = 300; auth = none; casemapping = %s; };
uplink "hub.rig" { host = "127.0.0.1"; send_password = "rig"; receive_password = "rig"; port = %d; };
nickserv { nick = "NickServ"; user = "NickServ"; host = "services.rig"; real = "Nickname Services";
  aliases { }; access { }; maxnicks = 10; expire = 0; enforce_expire = 0; enforce_delay = 5;
  enforce_prefix = "Guest"; emailexempts { }; };
saslserv { nick = "SaslServ"; user = "SaslServ"; host = "services.rig"; real = "SASL Agent"; };
chanserv { nick = "ChanServ"; user = "ChanServ"; host = "services.rig"; real = "Channel Services"; aliases { };
  access { }; maxchans = 50; templates { vop = "+AV"; }; trigger = "!"; expire = 0; maxchanacs = 0; maxfounders = 4;
  akick_time = 10; antiflood_enforce_method = quiet; };
operserv { nick = "OperServ"; user = "OperServ"; host = "services.rig"; real = "Operator Services"; aliases { }; access { }; };
general { helpchan = "#help"; helpurl = "http://irc.test/"; no_authcode; uflags = { hidemail; }; cflags = { verbose; };
  flood_msgs = 0; flood_time = 10; ratelimit_uses = 0; ratelimit_period = 60; vhost_change = 30; kline_time = 7;
  clone_time = 0; commit_interval = 1; default_clone_allowed = 5000; default_clone_warn = 5000; operstring = "op";
  servicestring = "svc"; exempts { }; };
`, s.opts.Casemapping, s.ports.link)
	return b.String()
}
