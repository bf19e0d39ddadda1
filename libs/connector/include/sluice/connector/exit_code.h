// How a program ends (README, exit codes): the code says who has to do something, the last line what.
//
// Thread rule: pure functions.
#pragma once

#include "sluice/base/error.h"

namespace sluice::connector {

enum class ExitCode : int {
  Done = 0,        ///< asked to stop, all settled
  Usage = 2,       ///< the command line or the configuration is wrong
  Stopped = 3,     ///< stopped on purpose: an operator has to decide
  Outage = 4,      ///< a peer stayed away longer than allowed
  NotSettled = 6,  ///< asked to stop, but the grace ended first; safe: the rest is sent again
  Bug = 70,
};

ExitCode exit_code_of(const base::Error& error);

}  // namespace sluice::connector
