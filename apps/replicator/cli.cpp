#include "cli.h"

#include <optional>

#include <CLI/CLI.hpp>

#include "../command_line.h"
#include "sluice/connector/operator_commands.h"
#include "sluice/connector/program.h"
#include "sluice/connector/replicator.h"
#include "sluice/connector/version.h"

namespace sluice::replicator {
namespace {

using connector::ExitCode;
using connector::ProgramOptions;

struct Choices {
  ProgramOptions program{.name = "replicator"};
  connector::ReplicatorFlags flags;
  std::optional<connector::Probe> probe;
  connector::LogQuery logs;
  connector::ConfigQuery config;
  connector::TableOrder tables;
  bool new_epoch = false;
};

ExitCode run_pipeline(const Choices& choices) {
  return connector::run_program(choices.program, [&](const config::Settings& settings, pipeline::StopSignal& stop) {
    return connector::run_replicator(settings, choices.flags, stop);
  });
}

}  // namespace

int run_command_line(int argc, char** argv) {
  Choices choices;
  CLI::App app("Streams every committed change of PostgreSQL tables into Kafka.", "replicator");
  app.fallthrough();
  app.require_subcommand(0, 1);
  apps::add_program_options(app, choices.program);
  app.add_subcommand("run", "Snapshot, then stream (the default)");
  app.add_flag("--accept-routing-change", choices.flags.accept_routing_change,
               "Start although the routing changed; see README");
  auto* config = app.add_subcommand("config", "The effective configuration; --schema for editors");
  config->add_flag("--schema", choices.config.schema, "Print a JSON Schema for editors instead");
  auto* status = app.add_subcommand("status", "What the running program says, or what is stored");
  apps::add_status_options(*status, choices.probe);
  auto* logs = app.add_subcommand("logs", "Read the log database");
  apps::add_log_options(*logs, choices.logs);
  auto* slot = app.add_subcommand("slot", "adopt | reset, where an operator has to decide");
  slot->require_subcommand(1);
  auto* adopt = slot->add_subcommand("adopt", "State was lost: go on where the slot is confirmed");
  auto* reset = slot->add_subcommand("reset", "Begin again: new slot, new epoch, new snapshot");
  reset->add_flag("--new-epoch", choices.new_epoch, "Say that this is meant")->required();
  auto* tables = app.add_subcommand("tables", "The halted tables; --resume lets one go on");
  auto* resume =
      tables->add_option("--resume", choices.tables.resume, "schema.table: go on without what changed meanwhile");
  tables->add_flag("--accept-gap", choices.tables.accept_gap, "Say that this is meant")->needs(resume);
  auto* version = app.add_subcommand("version", "Print its version and those of its libraries");
  apps::name_common_options(app, "replicator");

  if (const auto end = apps::parse(app, argc, argv)) return static_cast<int>(*end);
  ExitCode code = ExitCode::Done;
  if (version->parsed()) {
    code = apps::print(connector::version_text("replicator"));
  } else if (config->parsed()) {
    code = apps::print(connector::show_config(choices.program, choices.config));
  } else if (status->parsed()) {
    code = apps::print_status(choices.program, choices.probe, connector::replicator_status);
  } else if (logs->parsed()) {
    code = apps::print(connector::read_logs(choices.program, choices.logs));
  } else if (tables->parsed()) {
    code = apps::print(connector::halted_tables(choices.program, choices.tables));
  } else if (adopt->parsed()) {
    code = apps::print(connector::adopt_slot(choices.program));
  } else if (reset->parsed()) {
    code = apps::print(connector::reset_slot(choices.program));
  } else {
    code = run_pipeline(choices);
  }
  return static_cast<int>(code);
}

}  // namespace sluice::replicator
