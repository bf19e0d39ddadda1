#include "cli.h"

#include <optional>

#include <CLI/CLI.hpp>

#include "../command_line.h"
#include "sluice/connector/es_consumer.h"
#include "sluice/connector/operator_commands.h"
#include "sluice/connector/program.h"
#include "sluice/connector/version.h"

namespace sluice::es_consumer {
namespace {

using connector::ExitCode;
using connector::ProgramOptions;

struct Choices {
  ProgramOptions program{.name = "es_consumer"};
  std::optional<connector::Probe> probe;
  connector::LogQuery logs;
  connector::ConfigQuery config;
};

}  // namespace

int run_command_line(int argc, char** argv) {
  Choices choices;
  CLI::App app("Writes the records of Kafka topics into Elasticsearch: a journal and a mirror.", "es_consumer");
  app.fallthrough();
  app.require_subcommand(0, 1);
  apps::add_program_options(app, choices.program);
  app.add_subcommand("run", "Read and index (the default)");
  auto* config = app.add_subcommand("config", "The effective configuration; --schema for editors");
  config->add_flag("--schema", choices.config.schema, "Print a JSON Schema for editors instead");
  auto* status = app.add_subcommand("status", "What the running es_consumer says");
  apps::add_status_options(*status, choices.probe);
  auto* logs = app.add_subcommand("logs", "Read the log database");
  apps::add_log_options(*logs, choices.logs);
  auto* version = app.add_subcommand("version", "Print its version and those of its libraries");
  apps::name_common_options(app, "es_consumer");

  if (const auto code = apps::parse(app, argc, argv)) return static_cast<int>(*code);
  ExitCode code = ExitCode::Done;
  if (version->parsed()) {
    code = apps::print(connector::version_text("es_consumer"));
  } else if (config->parsed()) {
    code = apps::print(connector::show_config(choices.program, choices.config));
  } else if (status->parsed()) {
    code = apps::print_status(choices.program, choices.probe, connector::es_consumer_status);
  } else if (logs->parsed()) {
    code = apps::print(connector::read_logs(choices.program, choices.logs));
  } else {
    code = connector::run_program(choices.program, connector::run_es_consumer);
  }
  return static_cast<int>(code);
}

}  // namespace sluice::es_consumer
