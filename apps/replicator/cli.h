// The command line of replicator.
#pragma once

namespace sluice::replicator {

/// Returns the exit code (contracts.md).
int run_command_line(int argc, char** argv);

}  // namespace sluice::replicator
