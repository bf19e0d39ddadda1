// What both programs do alike around their pipeline: read the configuration, open the log, run, say how it ended.
//
// Thread rule: the main thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/config/settings.h"
#include "sluice/connector/exit_code.h"
#include "sluice/pipeline/stop_signal.h"

namespace sluice::connector {

struct ProgramOptions {
  std::string name;  ///< "replicator"
  std::string config_file = "config.yaml";
  std::vector<std::string> overrides;  ///< of --set: "kafka.topic=events"
};

/// Reads the configuration; registers its secrets, so that no log line can hold them.
base::Result<config::Settings> load_settings(const ProgramOptions& options);

/// Where the log database of both programs is.
std::string log_database_path(const config::Settings& settings);

/// Runs `body` with the log open and the signals connected, and prints the last line (README, exit codes).
ExitCode run_program(const ProgramOptions& options,
                     const std::function<base::Result<void>(const config::Settings&, pipeline::StopSignal&)>& body);

/// Prints the last line of a failed command on stderr and gives its exit code.
ExitCode report(const base::Error& error);

}  // namespace sluice::connector
