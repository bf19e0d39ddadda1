// How to reach a PostgreSQL server, and with which settings a session works (rules P-14, P-27).
//
// Thread rule: values and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/clock.h"
#include "sluice/base/secret.h"

namespace sluice::postgres {

/// What is absent is left to libpq: PG* variables, the service file, ~/.pgpass, its defaults.
struct ConnectOptions {
  base::Secret conninfo;            ///< a whole connection string or URI; the fields below override it
  std::optional<std::string> host;  ///< a name, an address, or the directory of a unix socket
  std::optional<std::uint16_t> port;
  std::optional<std::string> user;
  base::Secret password;  ///< empty: libpq looks into PGPASSWORD, the service file, ~/.pgpass
  std::optional<std::string> dbname;
  std::optional<std::string> sslmode;
  std::optional<std::string> sslrootcert;
  std::map<std::string, std::string> extra;  ///< any other keyword of libpq; overrides what we would set
  std::string application_name = "sluice";

  base::Milliseconds connect_timeout{10'000};   ///< for everything until the session is ready, all addresses together
  base::Milliseconds query_timeout{30'000};     ///< our own patience with one answer; then the connection is given up
  base::Milliseconds lock_timeout{10'000};      ///< finite, so that we never queue behind an ALTER TABLE for long
  base::Milliseconds tcp_user_timeout{30'000};  ///< both ends: unacknowledged data older than this ends the connection
  base::Milliseconds wal_sender_timeout{60'000};  ///< of our own walsender; never 0, that is how servers hang (1.4)
};

enum class ConnectionKind {
  Sql,          ///< ordinary session, default_transaction_read_only
  Replication,  ///< replication=database: walsender commands and SQL without parameters
};

/// Keywords and values for libpq, in the order in which they override each other. The first one may be `dbname` with a
/// whole connection string. Holds the password: hand it to libpq and to nothing else.
using ConnectKeywords = std::vector<std::pair<std::string, std::string>>;
ConnectKeywords connect_keywords(const ConnectOptions& options, ConnectionKind kind);

/// The `options` keyword: "-c datestyle=ISO …". `before` (the user's own) comes first, ours override it.
std::string session_settings(const ConnectOptions& options, std::string_view before);

/// "app@db.example:5432/shop" for messages: no secret, and only what was said.
std::string describe_target(const ConnectOptions& options);

/// `text` on one line, with every secret of `options` replaced by base::Secret::kHidden.
std::string scrubbed(std::string_view text, const ConnectOptions& options);

}  // namespace sluice::postgres
