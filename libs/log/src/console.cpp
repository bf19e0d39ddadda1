#include "console.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <exception>
#include <nlohmann/json.hpp>

namespace sluice::log {
namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::Debug: return spdlog::level::debug;
    case Level::Info: return spdlog::level::info;
    case Level::Warning: return spdlog::level::warn;
    case Level::Error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string json_line(const Record& record) {
  nlohmann::ordered_json line = {{"ts", utc_text(record.time)},
                                 {"level", to_string(record.level)},
                                 {"logger", record.logger},
                                 {"message", record.message}};
  if (!record.error_id.empty()) line["error_id"] = record.error_id;
  return line.dump();
}

std::string text_line(const Record& record) {
  return record.error_id.empty() ? record.message : record.message + " [" + record.error_id + "]";
}

}  // namespace

Console::Console(Format format, Color color) : format_(format) {
  const bool text = format == Format::Text;
  if (text && color == Color::Auto) {
    sink_ = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
  } else {
    sink_ = std::make_shared<spdlog::sinks::stderr_sink_st>();
  }
  sink_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      text ? "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %n: %v" : "%v", spdlog::pattern_time_type::utc));
}

void Console::write(const Record& record) {
  const std::string line = format_ == Format::Json ? json_line(record) : text_line(record);
  try {
    sink_->log(
        spdlog::details::log_msg(record.time, spdlog::source_loc{}, record.logger, spdlog_level(record.level), line));
    sink_->flush();
  } catch (const std::exception&) {
    // A console that cannot be written is nowhere to say so; the database has the record.
  }
}

void Console::write_last(const base::Error& reason) {
  const Record record = make_record(Level::Error, {}, reason.id, reason.message);
  const nlohmann::ordered_json object = {
      {"level", "error"}, {"error_id", record.error_id}, {"message", record.message}};
  const std::string line = format_ == Format::Json ? object.dump() : "ERROR " + record.error_id + ": " + record.message;
  std::fprintf(stderr, "%s\n", line.c_str());
  std::fflush(stderr);
}

}  // namespace sluice::log
