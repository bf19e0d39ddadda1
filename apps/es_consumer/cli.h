// The command line of es_consumer.
#pragma once

namespace sluice::es_consumer {

/// Returns the exit code (README, exit codes).
int run_command_line(int argc, char** argv);

}  // namespace sluice::es_consumer
