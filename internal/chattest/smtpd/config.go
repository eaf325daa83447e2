package smtpd

import (
	"fmt"
	"strings"
)

// config is the server's whole configuration. exim_user and admin_groups let it
// run as an ordinary user.
func (s *Server) config(uid, starttls, tls int) string {
	return strings.NewReplacer(
		"DIR", s.Dir, "EXIM", program(), "UID", fmt.Sprint(uid), "GID", fmt.Sprint(s.gid),
		"PORT1", fmt.Sprint(starttls), "PORT2", fmt.Sprint(tls), "LOGIN", User, "SECRET", Password,
	).Replace(`exim_path = EXIM
exim_user = UID
exim_group = GID
admin_groups = GID
keep_environment =
primary_hostname = mail.example.org
spool_directory = DIR/spool
log_file_path = DIR/spool/%slog
pid_file_path = DIR/spool/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = PORT1 : PORT2
tls_on_connect_ports = PORT2
tls_advertise_hosts = *
tls_certificate = DIR/server.pem
tls_privatekey = DIR/server.key
message_size_limit = 1M
deliver_drop_privilege = true
host_lookup =
rfc1413_query_timeout = 0s
acl_smtp_mail = sender
acl_smtp_rcpt = recipient
acl_smtp_data = content

begin acl
sender:
  deny  !encrypted = *
        message = 5.7.10 TLS first
  deny  !authenticated = *
        message = 5.7.0 log in first
  accept
recipient:
  defer local_parts = later
        message = 4.2.1 come back later
  deny  !verify = recipient
        message = 5.1.1 nobody of that name
  accept
content:
  deny  condition = ${if eq{$h_X-Test:}{refuse}}
        message = 5.7.1 not this
  defer condition = ${if eq{$h_X-Test:}{later}}
        message = 4.3.0 not now
  accept

begin routers
people:
  driver = accept
  local_parts = alice : bob : carol : dana : erin : later
  transport = box

begin transports
box:
  driver = appendfile
  directory = DIR/mail/$local_part_data
  create_directory
  maildir_format

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${if def:tls_in_cipher}
  server_condition = ${if and{{eq{$auth2}{LOGIN}}{eq{$auth3}{SECRET}}}}
  server_set_id = $auth2
`)
}
