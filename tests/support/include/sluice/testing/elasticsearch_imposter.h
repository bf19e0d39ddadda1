// Something on a port of this process that answers like Elasticsearch, and misbehaves when told to (fault matrix, row
// 45).
//
// Without a script it applies `_bulk`, `_refresh` and the sweep's `_search` to a MemorySearchEngine. Scripted replies
// come first, one a request, in order.
//
// Thread rule: make, script and destroy it on one thread; it answers on threads of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sluice/testing/memory_search_engine.h"

namespace sluice::testing {

struct ImposterRequest {
  std::string method;
  std::string path;  ///< with the query
  std::string body;
  std::string authorization;
  std::string content_type;
  /// Documents of a `_bulk` body.
  std::size_t items() const;
};

struct ImposterReply {
  enum class Effect { NotApplied, Applied };  ///< whether a `_bulk` reaches the engine before this is answered
  enum class Manner {
    Whole,
    Chunked,        ///< in chunks of a few bytes
    CutConnection,  ///< the head and half of the body, then the connection ends
    HangUp,         ///< not a byte
    Silence,        ///< never, until the imposter is destroyed
  };
  int status = 200;
  std::string body;
  Effect effect = Effect::NotApplied;
  Manner manner = Manner::Whole;
  /// Instead of `body`: what the engine would have answered, changed by this.
  std::function<std::string(std::string)> edit;
};

class ElasticsearchImposter {
 public:
  ElasticsearchImposter();
  ~ElasticsearchImposter();

  std::string address() const;  ///< http://127.0.0.1:<port>

  /// The next request that no earlier script took is answered so.
  void script(ImposterReply reply);
  /// Requests for which this gives a reply are answered so, after the script.
  void answer_by(std::function<std::optional<ImposterReply>(const ImposterRequest&)> rule);

  std::vector<ImposterRequest> requests() const;
  /// Runs `look` while no request is being answered.
  void with_engine(const std::function<void(MemorySearchEngine&)>& look);

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace sluice::testing
