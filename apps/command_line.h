// What the command lines of both programs have in common.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "sluice/connector/operator_commands.h"
#include "sluice/connector/program.h"

namespace sluice::apps {

inline void add_program_options(CLI::App& app, connector::ProgramOptions& program) {
  app.add_option("-c,--config", program.config_file, "Configuration file")->capture_default_str();
  app.add_option("--set", program.overrides, "Override one key: --set kafka.topic=events (may be repeated)")
      ->take_all();
}

inline void add_log_options(CLI::App& logs, connector::LogQuery& query) {
  logs.add_option("--level", query.level, "Least level: debug, info, warning, error")->capture_default_str();
  logs.add_option("--since", query.since, "How far back: 30m, 1h, 2d")->capture_default_str();
  logs.add_option("--limit", query.limit, "At most so many lines, the newest")->capture_default_str();
}

/// The exit code when the program ends here: help was asked for, or the line is wrong.
inline std::optional<connector::ExitCode> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? connector::ExitCode::Done : connector::ExitCode::Usage;
  }
}

/// A command that prints its answer, or fails with the last line of contracts.md.
inline connector::ExitCode print(const base::Result<std::string>& answer) {
  if (!answer) return connector::report(answer.error());
  std::fputs(answer->c_str(), stdout);
  return connector::ExitCode::Done;
}

}  // namespace sluice::apps
