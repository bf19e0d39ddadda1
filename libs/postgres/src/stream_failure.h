// Why a slot cannot be read: SQLSTATEs 42704 and 55000 mean several things each, the catalog tells which.
#pragma once

#include <string_view>

#include "sluice/base/error.h"
#include "sluice/postgres/connection.h"

namespace sluice::postgres {

/// The error of a stream that ended with `sqlstate`. Asks the catalog over `connection` where that helps and is
/// possible.
base::Error diagnose_stream_failure(Connection& connection, std::string_view slot, std::string_view publication,
                                    std::string_view sqlstate, std::string_view message);

}  // namespace sluice::postgres
