// What an answer of PostgreSQL or libpq means for us: SQLSTATE and text become an Error with an id and a remedy.
//
// Thread rule: pure functions. Texts handed in are already scrubbed of secrets (connect_options.h).
// Source: PostgreSQL's manual, appendix A (error codes); rules P-17, 1.8.
#pragma once

#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::postgres {

/// The five characters of an SQLSTATE in a message that libpq printed with verbosity VERBOSE ("FATAL:  28P01: …"): the
/// last one, since libpq tells of every address and mode it tried. Empty: the failure was not the server's.
std::string_view sqlstate_in(std::string_view libpq_message);

/// A connection did not come about. Errors: pg.unreachable (Retry), pg.auth_failed (Stop), pg.database_missing (Stop),
/// pg.too_many_connections (Retry), pg.tls_failed (Stop), pg.privilege (Stop), pg.query_failed (Stop).
base::Error connect_error(std::string_view libpq_message, std::string_view target);

/// A statement failed. `sqlstate` is empty when the connection broke. Errors: pg.connection_lost (Retry), pg.privilege
/// (Stop), pg.too_many_connections (Retry), pg.query_failed (Retry for locks, resources and conflicts, else Stop).
base::Error query_error(std::string_view sqlstate, std::string_view message, std::string_view attempted);

/// The stream ended with an ErrorResponse. Errors: those of query_error() and pg.slot_active (Retry), pg.bad_encoding
/// (Stop), pg.decoding_failed (Stop). 42704 and 55000 mean several things each: ask the catalog first (1.8).
base::Error stream_error(std::string_view sqlstate, std::string_view message);

/// True for SQLSTATEs whose message text may quote a cell value: such texts are never passed on (rule S-4).
bool message_may_hold_values(std::string_view sqlstate);

}  // namespace sluice::postgres
