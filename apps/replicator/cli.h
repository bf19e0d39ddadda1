// The command line of replicator.
#pragma once

namespace sluice::replicator {

/// Returns the exit code (README, exit codes).
int run_command_line(int argc, char** argv);

}  // namespace sluice::replicator
