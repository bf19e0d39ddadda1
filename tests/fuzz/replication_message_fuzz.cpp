// The envelope of the replication stream. What is parsed and is a keepalive must survive being answered.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/check.h"
#include "sluice/pgoutput/messages.h"
#include "sluice/pgoutput/replication_message.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto parsed = pgoutput::parse_replication_message(bytes);
  if (!parsed) return 0;
  if (const auto* xlog = std::get_if<pgoutput::XLogData>(&*parsed)) {
    SLUICE_CHECK(xlog->message.size() + 25 == size, "the message is all behind the envelope");
    (void)pgoutput::kind_of(xlog->message);
    return 0;
  }
  const auto& keepalive = std::get<pgoutput::Keepalive>(*parsed);
  std::string answer;
  pgoutput::append_status_update(
      {keepalive.wal_end, keepalive.wal_end, keepalive.wal_end, keepalive.send_time_us, false}, answer);
  SLUICE_CHECK(
      answer.size() == 34 && answer.substr(1, 8) == bytes.substr(1, 8) && answer.substr(25, 8) == bytes.substr(9, 8),
      "position and time go back as they came");
  return 0;
}
