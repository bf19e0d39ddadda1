// The reader of config.yaml: any bytes give settings or mistakes with a place, never a crash; what was read is printed
// so that it reads back the same.
//
// link: sluice::config
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sluice/config/describe.h"
#include "sluice/config/read_settings.h"

namespace {

using namespace sluice::config;

Reading read(std::string text, App app) {
  return read_settings({std::move(text), "config.yaml", {}, app, [](const std::string& name) {
                          return name == "HOME" ? std::optional<std::string>("/home: [x]\n") : std::nullopt;
                        }});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // Files that the text names would be opened: keep the fuzzer to what it was given.
  if (text.find("_file") != std::string::npos) return 0;
  const Reading reading = read(text, App::EsConsumer);
  if (!reading) {
    for (const Mistake& mistake : reading.error()) {
      if (mistake.place.empty() || mistake.id.empty() || mistake.message.empty()) std::abort();
    }
    if (reading.error().empty()) std::abort();
    return 0;
  }
  const std::string printed = effective_config(*reading);
  const Reading again = read(printed, App::EsConsumer);
  if (!again || effective_config(*again) != printed) std::abort();
  return 0;
}
