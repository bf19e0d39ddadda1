// What the command lines of both programs have in common.
#pragma once

#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "sluice/connector/operator_commands.h"
#include "sluice/connector/program.h"

namespace sluice::apps {

/// The help fits a screen of 24 lines and 80 columns; tests/integration/command_line_test.cpp holds it.
inline void add_program_options(CLI::App& app, connector::ProgramOptions& program) {
  app.get_formatter()->column_width(26);
  app.add_option("-c,--config", program.config_file, "Configuration file (config.yaml)")->option_text("FILE");
  app.add_option("--set", program.overrides, "Override one key of it; may be repeated")
      ->option_text("SECTION.KEY=VALUE")
      ->take_all();
  app.footer(
      "Exit codes: 0 stopped and settled, 2 usage or configuration, 3 an operator has\n"
      "to decide, 4 a peer stayed away too long, 6 stopped before all was settled\n"
      "(safe), 70 a bug. The last line on stderr names the error: README, Operations.");
}

inline void add_log_options(CLI::App& logs, connector::LogQuery& query) {
  logs.add_option("--level", query.level, "Least level: debug, info, warning, error")->capture_default_str();
  logs.add_option("--since", query.since, "How far back: 30m, 1h, 2d")->capture_default_str();
  logs.add_option("--limit", query.limit, "At most so many lines, the newest")->capture_default_str();
}

/// A command that prints its answer, or fails with the last line that the README describes.
inline connector::ExitCode print(const base::Result<std::string>& answer) {
  if (!answer) return connector::report(answer.error());
  std::fputs(answer->c_str(), stdout);
  return connector::ExitCode::Done;
}

/// For a supervisor that can only start a command: what its kind of probe asks, by the names that Kubernetes has.
inline void add_status_options(CLI::App& status, std::optional<connector::Probe>& probe) {
  const std::map<std::string, connector::Probe> kinds = {{"live", connector::Probe::Live},
                                                         {"ready", connector::Probe::Ready}};
  status.add_option("--probe", probe, "live or ready: ask only that; code 0, else 4")
      ->option_text("KIND")
      ->transform(CLI::CheckedTransformer(kinds));
}

/// The answer of `status`: of the probe, when one was asked for.
template <class Status>
connector::ExitCode print_status(const connector::ProgramOptions& program, std::optional<connector::Probe> probe,
                                 Status whole) {
  return print(probe ? connector::probe(program, *probe) : whole(program));
}

/// Call it when all commands are there. REQUIRES: the program has a name.
inline void name_common_options(CLI::App& app, const std::string& program) {
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    command->footer("--config FILE and --set SECTION.KEY=VALUE go with it as well: " + program + " --help");
    name_common_options(*command, program);
  }
}

/// The exit code when the program ends here: help was asked for, or the line is wrong.
inline std::optional<connector::ExitCode> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error) == 0 ? connector::ExitCode::Done : connector::ExitCode::Bug;
    std::string command = app.get_name();
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      command += " " + at->get_name();
    }
    return connector::report(
        {base::Recovery::Stop, "config.bad_argument", std::string(error.what()) + ". See " + command + " --help"});
  }
}

}  // namespace sluice::apps
