// How a pipeline stands, for somebody at a terminal.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "../adapter_options.h"
#include "sluice/admin/fetch.h"
#include "sluice/connector/operator_commands.h"
#include "sluice/offsets/lmdb_offset_store.h"
#include "sluice/postgres/server.h"

namespace sluice::connector {
namespace {

/// What the running program says; nothing: none answers, or something else does.
std::optional<std::string> ask_running(const config::Settings& settings, const std::string& program) {
  if (!config::is_on(settings.admin.enabled)) return std::nullopt;
  const admin::AdminOptions options = admin_options(settings, program);
  const auto reply = admin::fetch(options.address, "/status", options.token);
  if (!reply || (reply->code != 200 && reply->code != 503)) return std::nullopt;
  auto text = admin::status_text(reply->body);
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

bool begins_with_error_id(std::string_view told) {
  const std::string_view id = told.substr(0, told.find(": "));
  return id.size() < told.size() && id.find('.') != std::string_view::npos &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._") == std::string_view::npos;
}

/// What our own programs answer with 503: the first line names what is wrong.
tl::unexpected<base::Error> refused_probe(Probe probe, const std::string& told) {
  if (probe == Probe::Live) {
    return base::fail(base::Recovery::Retry, "admin.silent",
                      fmt::format("it says: {}. Look at its log, then restart it", told));
  }
  return base::fail(base::Recovery::Retry, "admin.not_ready",
                    fmt::format("it says: {}. Look up what it names, and its log", told));
}

std::string stored_text(const pipeline::Checkpoint& stored) {
  std::string text =
      fmt::format("stored position  {} (epoch {}, {})\n", change::to_string(change::lsn_of(stored.position)),
                  stored.epoch, stored.settled ? "stopped cleanly" : "not stopped cleanly");
  for (const auto& [table, state] : stored.tables) {
    if (!state.halt) continue;
    text += fmt::format("halted           {} since {}: {}\n", table, change::to_string(state.halt->since),
                        state.halt->reason);
  }
  return text;
}

std::string slot_text(const std::string& name, const std::optional<pipeline::SlotFacts>& slot) {
  if (!slot) return fmt::format("slot             {} does not exist\n", name);
  return fmt::format("slot             {}, {}, confirmed {}, keeps {} bytes of WAL, {}\n", slot->name,
                     slot->active ? fmt::format("read by process {}", slot->active_pid) : "not being read",
                     change::to_string(slot->confirmed_flush_lsn), slot->retained_bytes,
                     slot->wal_status.empty() ? "state unknown" : slot->wal_status);
}

base::Result<std::optional<pipeline::SlotFacts>> ask_for_slot(const config::Settings& settings) {
  SLUICE_ASSIGN(auto sql, postgres::Connection::open(connect_options(settings), postgres::ConnectionKind::Sql));
  return postgres::fetch_slot(sql, settings.postgres.slot_name);
}

}  // namespace

base::Result<std::string> probe(const ProgramOptions& program, Probe probe) {
  SLUICE_ASSIGN(const auto settings, load_settings(program));
  const admin::AdminOptions options = admin_options(settings, program.name);
  SLUICE_ASSIGN(const admin::Reply reply,
                admin::fetch(options.address, probe == Probe::Live ? "/healthz" : "/readyz", options.token));
  const std::string told = reply.body.substr(0, reply.body.find_last_not_of('\n') + 1);
  if (reply.code == 200 && told == (probe == Probe::Live ? "alive" : "ready")) return reply.body;
  if (reply.code == 503 && begins_with_error_id(told)) return refused_probe(probe, told);
  return base::fail(base::Recovery::Stop, "admin.bad_answer",
                    fmt::format("{} answers with {}, which is not what this program says. Set admin.{} to its address, "
                                "and admin.token to its token",
                                options.address, reply.code, program.name));
}

base::Result<std::string> replicator_status(const ProgramOptions& program) {
  SLUICE_ASSIGN(const auto settings, load_settings(program));
  if (auto running = ask_running(settings, "replicator")) return *std::move(running);
  std::string text = fmt::format("pipeline         {}\n", settings.pipeline_name());
  const auto stored = offsets::LmdbOffsetStore::read(settings.state_dir, settings.pipeline_name());
  if (stored) {
    text += "replicator       not running\n";
    text += *stored ? stored_text(**stored) : "stored position  none in " + settings.state_dir + "\n";
  } else if (stored.error().id == "offsets.in_use") {
    text += "replicator       running\n";
  } else {
    return tl::make_unexpected(stored.error());
  }
  const auto slot = ask_for_slot(settings);
  // Somebody asks because something is wrong: what is known is said all the same.
  if (!slot) return text + fmt::format("slot             not known: {}: {}\n", slot.error().id, slot.error().message);
  return text + slot_text(settings.postgres.slot_name, *slot);
}

base::Result<std::string> es_consumer_status(const ProgramOptions& program) {
  SLUICE_ASSIGN(const auto settings, load_settings(program));
  if (auto running = ask_running(settings, "es_consumer")) return *std::move(running);
  return base::fail(base::Recovery::Retry, "admin.no_answer",
                    fmt::format("no es_consumer of group {} answers at {}. Is it running, with admin.enabled on?",
                                settings.kafka.groupID, settings.admin.es_consumer));
}

}  // namespace sluice::connector
