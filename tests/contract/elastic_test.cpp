// The contracts of DocumentSink and IndexAdmin on a real Elasticsearch (SLUICE_TEST_ES_PORT) and on the fakes.
// link: sluice::elastic
#include <unistd.h>

#include <cstdlib>

#include "contract/document_sink_contract.h"
#include "contract/index_admin_contract.h"
#include "sluice/elastic/bulk_sink.h"
#include "sluice/elastic/index_admin.h"
#include "sluice/testing/memory_document_sink.h"
#include "sluice/testing/memory_index_admin.h"
#include "sluice/testing/plain_http.h"
#include "sluice/testing/program.h"

namespace sluice::testing {
namespace {

int elasticsearch_port() {
  const char* port = std::getenv("SLUICE_TEST_ES_PORT");
  return port == nullptr ? 0 : std::atoi(port);
}

elastic::ConnectionOptions connection() {
  elastic::ConnectionOptions options;
  options.addresses = {"http://127.0.0.1:" + std::to_string(elasticsearch_port())};
  return options;
}

/// One for each world: the server is shared with other tests, and with earlier runs of this one.
std::string unique_prefix() { return "contract-" + unique_name() + "-"; }

std::unique_ptr<elastic::IndexAdmin> open_admin(const std::string& prefix) {
  elastic::IndexOptions options;
  options.journal_prefix = prefix;
  options.replicas = 0;
  auto admin = elastic::IndexAdmin::open(connection(), options);
  if (!admin) throw std::runtime_error(admin.error().message);
  return std::move(*admin);
}

void remove_all(const std::string& prefix) {
  const int port = elasticsearch_port();
  const nlohmann::json indices = http(port, "GET", "/" + prefix + "*/_settings?expand_wildcards=all").body;
  for (const auto& [index, ignored] : indices.items())
    if (index.starts_with(prefix)) http(port, "DELETE", "/" + index);
  http(port, "DELETE", "/_index_template/sluice*" + prefix + "*");
}

class RealSinkWorld final : public DocumentSinkWorld {
 public:
  RealSinkWorld() : prefix_(unique_prefix()), admin_(open_admin(prefix_)) {
    elastic::BulkSinkOptions options;
    options.max_in_flight = 2;
    options.sweep_page_documents = 10;
    sink_ = std::move(elastic::BulkSink::open(connection(), options).value());
  }
  ~RealSinkWorld() override { remove_all(prefix_); }

  pipeline::DocumentSink& sink() override { return *sink_; }
  std::string journal() override {
    EXPECT_TRUE(admin_->ensure_journal(prefix_ + "journal"));
    return prefix_ + "journal";
  }
  std::string mirror() override {
    EXPECT_TRUE(admin_->ensure_mirror(prefix_ + "mirror-g1", R"({"name":{"type":"keyword"}})"));
    return prefix_ + "mirror-g1";
  }
  std::string missing_index() override { return prefix_ + "missing"; }
  std::optional<Found> read(const std::string& index, const std::string& id) override {
    const PlainReply reply = http(elasticsearch_port(), "GET", "/" + index + "/_doc/" + url_encoded(id));
    if (reply.status != 200) return std::nullopt;
    return Found{reply.body["_version"], reply.body["_source"]};
  }

 private:
  std::string prefix_;
  std::unique_ptr<elastic::IndexAdmin> admin_;
  std::unique_ptr<elastic::BulkSink> sink_;
};

class MemorySinkWorld final : public DocumentSinkWorld {
 public:
  pipeline::DocumentSink& sink() override { return sink_; }
  std::string journal() override { return made("journal"); }
  std::string mirror() override { return made("mirror-g1"); }
  std::string missing_index() override { return "missing"; }
  std::optional<Found> read(const std::string& index, const std::string& id) override {
    const StoredDocument* found = engine_.find(index, id);
    if (found == nullptr) return std::nullopt;
    return Found{found->version, nlohmann::json::parse(found->body)};
  }

 private:
  std::string made(const std::string& index) {
    engine_.create_index(index);
    return index;
  }
  MemorySearchEngine engine_;
  MemoryDocumentSink sink_{engine_, 2};
};

class RealAdminWorld final : public IndexAdminWorld {
 public:
  RealAdminWorld() : prefix_(unique_prefix()), admin_(open_admin(prefix_)) {}
  ~RealAdminWorld() override { remove_all(prefix_); }
  pipeline::IndexAdmin& admin() override { return *admin_; }
  std::string name(const std::string& word) override { return prefix_ + word; }

 private:
  std::string prefix_;
  std::unique_ptr<elastic::IndexAdmin> admin_;
};

class MemoryAdminWorld final : public IndexAdminWorld {
 public:
  pipeline::IndexAdmin& admin() override { return admin_; }
  std::string name(const std::string& word) override { return word; }

 private:
  MemorySearchEngine engine_;
  MemoryIndexAdmin admin_{engine_};
};

template <class Port, class World>
std::unique_ptr<Port> when_there() {
  if (elasticsearch_port() == 0) return nullptr;
  return std::make_unique<World>();
}

INSTANTIATE_TEST_SUITE_P(Memory, DocumentSinkContract,
                         ::testing::Values([] { return std::make_unique<MemorySinkWorld>(); }));
INSTANTIATE_TEST_SUITE_P(Elasticsearch, DocumentSinkContract,
                         ::testing::Values(&when_there<DocumentSinkWorld, RealSinkWorld>));
INSTANTIATE_TEST_SUITE_P(Memory, IndexAdminContract,
                         ::testing::Values([] { return std::make_unique<MemoryAdminWorld>(); }));
INSTANTIATE_TEST_SUITE_P(Elasticsearch, IndexAdminContract,
                         ::testing::Values(&when_there<IndexAdminWorld, RealAdminWorld>));

}  // namespace
}  // namespace sluice::testing
