// Indices, templates, aliases and bookkeeping in Elasticsearch or OpenSearch (rules E-10, E-11, E-13, K-15).
//
// Every index is made by us, with explicit mapping and settings. Beside it stands a template, so that one made by
// others has the right mapping too; on Elasticsearch it also forbids that a write makes a missing index: a deleted
// index must not come back empty and look alive (es.index_missing).
//
// Thread rule: made, used and destroyed by one thread. Every call blocks, bounded by the request time-out times the
// number of addresses.
//
// Errors: those of any request: es.unreachable, es.timeout, es.overloaded, es.server_error, es.blocked, es.bad_response
// (Retry), es.unauthorized, es.forbidden, es.unexpected_reply, es.tls_untrusted, es.bad_ca_file (Stop); and as each
// method says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "sluice/base/clock.h"
#include "sluice/elastic/connection.h"
#include "sluice/elastic/server_facts.h"
#include "sluice/pipeline/index_admin.h"

namespace sluice::elastic {

struct IndexOptions {
  std::string journal_prefix;  ///< `indexPrefix`; empty: each journal index gets a template of its own
  std::uint32_t shards = 1;    ///< of a new index; an index of up to 50 GB needs no more
  std::uint32_t replicas = 1;  ///< of a new index; 0 only where losing a disk may lose the index
  base::Milliseconds refresh_interval{
      1'000};  ///< of a new index: how soon writes are found; longer costs the server less
};

class HttpClient;
struct HttpCall;

class IndexAdmin final : public pipeline::IndexAdmin {
 public:
  using Warn = std::function<void(std::string_view id, const std::string& message)>;

  /// Connects, and checks the server's version. Errors: es.bad_address, es.bad_ca_file, es.bad_credentials,
  /// es.version_unsupported (Stop). `warn` is told of es.no_replicas, once: at once by the options, else of the first
  /// index that is there already.
  static base::Result<std::unique_ptr<IndexAdmin>> open(ConnectionOptions connection, IndexOptions options,
                                                        Warn warn = {});
  ~IndexAdmin() override;

  const ServerFacts& server() const { return facts_; }

  /// Errors of both: es.index_name_invalid, es.index_refused, es.template_refused, es.mapping_conflict,
  /// es.durability_weak (Stop).
  base::Result<void> ensure_journal(std::string_view index) override;
  base::Result<void> ensure_mirror(std::string_view index, std::string_view properties) override;

  /// Errors: es.alias_refused (Stop).
  base::Result<void> publish(std::string_view alias, std::string_view index) override;
  /// Errors: es.alias_ambiguous (Stop): it leads to several indices.
  base::Result<std::optional<std::string>> published(std::string_view alias) override;
  base::Result<void> refresh(std::string_view index) override;
  base::Result<void> store(std::string_view id, std::string_view json) override;
  base::Result<std::optional<std::string>> load(std::string_view id) override;

 private:
  IndexAdmin(std::unique_ptr<HttpClient> client, IndexOptions options, ServerFacts facts, Warn warn);
  base::Result<void> ensure_template(const std::string& name, const std::string& body);
  base::Result<void> ensure_index(std::string_view index, const std::string& body, const std::string& mapping);
  base::Result<void> ensure_mapping(std::string_view index, const std::string& mapping);
  base::Result<void> check_settings(std::string_view index);
  void warn_of_no_replicas(std::string_view which);
  base::Result<void> ensure_bookkeeping();

  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<HttpCall> call_;
  IndexOptions options_;
  ServerFacts facts_;
  std::set<std::string, std::less<>> templates_;  ///< put by this object already
  Warn warn_;                                     ///< empty: nobody listens, or it was told
  bool bookkeeping_is_there_ = false;
};

}  // namespace sluice::elastic
