#include "sluice/connector/program.h"

#include <cstdio>
#include <utility>

#include <fmt/core.h>
#include <sys/prctl.h>

#include "sluice/base/check.h"
#include "sluice/config/describe.h"
#include "sluice/config/read_settings.h"
#include "sluice/connector/version.h"
#include "sluice/log/log.h"
#include "sluice/log/logging.h"
#include "sluice/log/redact.h"

namespace sluice::connector {
namespace {

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::Debug: return log::Level::Debug;
    case config::LogLevel::Info: return log::Level::Info;
    case config::LogLevel::Warning: return log::Level::Warning;
    case config::LogLevel::Error: return log::Level::Error;
  }
  return log::Level::Info;
}

log::Options log_options(const config::Settings& settings, const std::string& app) {
  log::Options options;
  options.level = level_of(settings.log.level);
  options.format = settings.log.format == config::LogFormat::Json ? log::Format::Json : log::Format::Text;
  options.app = app;
  options.pipeline = settings.pipeline_name();
  if (!config::is_on(settings.log.database)) return options;
  log::DatabaseOptions database;
  database.path = log_database_path(settings);
  database.max_rows = settings.log.max_rows;
  database.max_bytes = settings.log.max_bytes.bytes;
  database.max_age = settings.log.max_age;
  database.max_queued_records = settings.log.max_queued;
  options.database = std::move(database);
  return options;
}

/// Written by a signal handler, so it has to be there beforehand.
const char* last_line_when_cut(const config::Settings& settings, const std::string& app) {
  static std::string& line = *new std::string;  // never destroyed: the last signal may come while the process ends
  const std::string id = app + ".not_settled";
  const std::string message = "cut short by a third signal. Nothing is lost: the rest is done at the next start";
  line = settings.log.format == config::LogFormat::Json
             ? fmt::format(R"({{"level":"error","error_id":"{}","message":"{}"}})", id, message)
             : fmt::format("ERROR {}: {}", id, message);
  line += '\n';
  return line.c_str();
}

}  // namespace

std::string log_database_path(const config::Settings& settings) { return settings.state_dir + "/logs.db"; }

base::Result<config::Settings> load_settings(const ProgramOptions& options) {
  const auto app = options.name == "es_consumer" ? config::App::EsConsumer : config::App::Replicator;
  auto reading = config::load_settings(options.config_file, app, options.overrides);
  if (!reading) {
    // All at once, a line each, so that one look mends the file; the last line of the program names the first again.
    if (reading.error().size() > 1) {
      for (const auto& mistake : reading.error()) {
        std::fprintf(stderr, "%s\n", log::redacted(fmt::format("{} [{}]", to_string(mistake), mistake.id)).c_str());
      }
    }
    return tl::make_unexpected(config::as_error(reading.error()));
  }
  for (const auto& secret : config::secrets_of(*reading)) log::register_secret(secret);
  return *std::move(reading);
}

ExitCode run_program(const ProgramOptions& options,
                     const std::function<base::Result<void>(const config::Settings&, pipeline::StopSignal&)>& body) {
  base::end_unhandled_as_bug();
  prctl(PR_SET_DUMPABLE, 0);  // a core dump would hold the passwords (rule S-3)
  const auto settings = load_settings(options);
  if (!settings) return report(settings.error());
  pipeline::StopSignal stop;
  pipeline::stop_on_signals(stop, static_cast<int>(ExitCode::NotSettled), last_line_when_cut(*settings, options.name));
  log::Logging logging(log_options(*settings, options.name));
  log::get(options.name == "es_consumer" ? "es_consumer" : "replicator")
      .info("version {}, revision {}", kVersion, kRevision);
  const auto result = body(*settings, stop);
  if (result) {
    log::get(options.name == "es_consumer" ? "es_consumer" : "replicator").info("stopped as asked; all is settled");
    return ExitCode::Done;
  }
  logging.finish(result.error());
  return exit_code_of(result.error());
}

ExitCode report(const base::Error& error) {
  log::write_last_line(error);
  return exit_code_of(error);
}

}  // namespace sluice::connector
