// apps/sluice-config.5 is written out of the same tables as config.yaml, so that it never says anything else.
#include "sluice/config/describe.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace sluice::config {
namespace {

constexpr const char* kFile = SLUICE_SOURCE_DIR "/apps/sluice-config.5";

constexpr std::string_view kHead = R"roff(.\" Written by unit_config, as config.yaml: SLUICE_WRITE_CONFIG=1 unit_config
.TH SLUICE\-CONFIG 5 2026-11-26 Sluice "File Formats"
.SH NAME
sluice\-config \- the configuration of replicator and es_consumer
.SH DESCRIPTION
One YAML file for both programs. Each reads it from
.B \-\-config
.IR FILE ,
else from
.I config.yaml
in the current directory. What is wrong with it is told all at once, with line and column.
.PP
Values may hold
.B ${VARIABLE}
and
.BR ${VARIABLE:\-default} .
Durations: 200ms, 10s, 1m30s, 7d. Sizes: 512, 64kb, 10mb, 1gb. Lists: [a, b], or one element a line.
.B \-\-set
.I section.key=value
on the command line wins over the file. Secrets are better in a file of mode 0600 that a key
.BR ..._file
names.
.PP
The installed
.I share/doc/sluice/config.yaml
has every key with its default, or with an example where it has none.
.B replicator config
and
.B es_consumer config
print what is in force.
.SH KEYS
)roff";

constexpr std::string_view kEnd = R"roff(.SH EXAMPLE
.EX
postgres:
  host: localhost
  user: cdc_user
  password: ${PGPASSWORD}
  dbname: mydb
  slot_name: sluice
  publication_name: sluice
  tables: [public.users]
kafka:
  brokers: [localhost:9092]
  topic: cdc\-events
elasticsearch:
  addresses: [http://localhost:9200]
.EE
.SH SEE ALSO
.BR replicator (1),
.BR es_consumer (1)
)roff";

/// Text that roff prints as it is.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;
      case '\'': out += "\\(aq"; break;
      case '`': out += "\\(ga"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      case '.': out += out.empty() ? "\\&." : "."; break;
      default: out += c;
    }
  }
  return out;
}

std::string man_page() {
  std::string page(kHead), section = "none yet";
  for (const KeyReference& key : key_reference()) {
    const std::size_t dot = key.path.find('.');
    const std::string of = dot == std::string::npos ? "At the top" : key.path.substr(0, dot);
    if (of != section) page += fmt::format(".SS {}\n", roff(section = of));
    page += fmt::format(".TP\n\\fB{}\\fR ({})\n{}\n", roff(key.path), roff(key.type), roff(key.meaning));
    if (!key.default_value.empty()) page += fmt::format("Default: {}\n", roff(key.default_value));
  }
  return page += kEnd;
}

// To write it anew after a change of the tables: SLUICE_WRITE_CONFIG=1 unit_config
TEST(ManPage, IsTheOneThatIsShipped) {
  if (std::getenv("SLUICE_WRITE_CONFIG") != nullptr) std::ofstream(kFile) << man_page();
  std::ifstream file(kFile);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), man_page());
}

}  // namespace
}  // namespace sluice::config
