// link: sluice::elastic CURL::libcurl fmt::fmt
// How fast an Elasticsearch takes documents: from a plain loader that sends bulks made beforehand (the yardstick of
// es_consumer), and from our BulkSink, which renders each.
//
//   bulk_loader_bench loader|sink|both name=value…
//     address=http://127.0.0.1:9200 index=bench documents=400000 document_bytes=150 bulk_documents=4000 in_flight=2
//     versions=on|off      index with external versions, or create
//     rounds=3             of `both`: they take turns, so that what else runs on the machine hits them alike
//     file=…               loader only: a file of action and document lines, instead of made ones
//     index_body=…         a file with the body that makes the index, instead of a plain one
//
// The index is made anew for each run, one shard, no replica. Prints documents/s and CPU of this process for a
// document.
#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "sluice/base/check.h"
#include "sluice/base/handle.h"
#include "sluice/elastic/bulk_request.h"
#include "sluice/elastic/bulk_sink.h"

namespace {

using namespace sluice;
using base::Clock;
using Easy = base::Handle<CURL, &curl_easy_cleanup>;

struct Plan {
  std::string address = "http://127.0.0.1:9200";
  std::string index = "bench";
  std::string file;
  std::string index_body;
  std::size_t documents = 400'000;
  std::size_t document_bytes = 150;
  std::size_t bulk_documents = 4'000;
  std::size_t in_flight = 2;
  std::size_t rounds = 3;
  bool versions = true;
};

struct Used {
  Clock::time_point at = Clock::now();
  double cpu_s = 0;
  static Used now() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](timeval time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return {Clock::now(), seconds(usage.ru_utime) + seconds(usage.ru_stime)};
  }
};

void print(const char* what, const Used& before, std::size_t documents, std::size_t refused) {
  const Used after = Used::now();
  const double elapsed_s = std::chrono::duration<double>(after.at - before.at).count();
  fmt::print("{:6}  {:>8.0f} documents/s  {:.2f} us CPU a document  {} refused\n", what,
             static_cast<double>(documents) / elapsed_s,
             (after.cpu_s - before.cpu_s) * 1e6 / static_cast<double>(documents), refused);
}

std::size_t append_to(char* bytes, std::size_t size, std::size_t count, void* reply) {
  static_cast<std::string*>(reply)->append(bytes, size * count);
  return size * count;
}

void request(const Plan& plan, const char* verb, const std::string& body) {
  Easy easy(curl_easy_init());
  curl_slist* json = curl_slist_append(nullptr, "Content-Type: application/json");
  std::string reply;
  curl_easy_setopt(easy.get(), CURLOPT_URL, (plan.address + "/" + plan.index).c_str());
  curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, verb);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, json);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &append_to);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &reply);
  if (!body.empty()) curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.c_str());
  SLUICE_CHECK(curl_easy_perform(easy.get()) == CURLE_OK, "the server answers");
  curl_slist_free_all(json);
}

void make_index(const Plan& plan) {
  request(plan, "DELETE", "");
  if (!plan.index_body.empty()) {
    std::ifstream in(plan.index_body, std::ios::binary);
    request(plan, "PUT", std::string(std::istreambuf_iterator<char>(in), {}));
    return;
  }
  request(plan, "PUT",
          R"({"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"dynamic":false,"properties":)"
          R"({"id":{"type":"long"},"name":{"type":"keyword"}}}})");
}

std::string document(std::size_t number, std::size_t size) {
  std::string text = fmt::format(R"({{"id":{},"name":"customer {}","text":")", number, number % 1'000);
  text.resize(std::max(size - 2, text.size()), 'x');
  return text + "\"}";
}

pipeline::DocumentBatch batch_of(const Plan& plan, std::size_t from, std::size_t to) {
  pipeline::DocumentBatch batch;
  for (std::size_t number = from; number < to; ++number) {
    std::string& bytes = batch.bytes();
    const auto append = [&bytes](std::string_view text) {
      pipeline::DocumentBatch::Piece piece{bytes.size(), text.size()};
      bytes += text;
      return piece;
    };
    pipeline::Document entry;
    if (plan.versions) {
      entry.action = pipeline::DocumentAction::Index;
      entry.version_type = pipeline::VersionType::External;
      entry.version = number + 1;
    }
    const auto index = append(plan.index);
    const auto id = append(fmt::format("0001-{:016x}-00000001", number));
    batch.add(entry, index, id, append(document(number, plan.document_bytes)));
  }
  return batch;
}

std::vector<pipeline::DocumentBatch> batches_of(const Plan& plan) {
  std::vector<pipeline::DocumentBatch> batches;
  for (std::size_t from = 0; from < plan.documents; from += plan.bulk_documents)
    batches.push_back(batch_of(plan, from, std::min(from + plan.bulk_documents, plan.documents)));
  return batches;
}

std::vector<std::string> bodies_of_file(const Plan& plan) {
  std::ifstream in(plan.file, std::ios::binary);
  std::vector<std::string> bodies(1);
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line);) {
    if (lines++ == 2 * plan.bulk_documents) {
      lines = 1;
      bodies.emplace_back();
    }
    bodies.back() += line + "\n";
  }
  return bodies;
}

std::vector<std::string> bodies_of(const Plan& plan) {
  if (!plan.file.empty()) return bodies_of_file(plan);
  std::vector<std::string> bodies;
  for (const pipeline::DocumentBatch& batch : batches_of(plan))
    elastic::append_bulk(batch, 0, batch.size(), bodies.emplace_back());
  return bodies;
}

std::size_t occurrences(const std::string& text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) ++count;
  return count;
}

/// As little as a loader can do: send what is ready, look whether something was refused.
class Loader {
 public:
  Loader(const Plan& plan, const std::vector<std::string>& bodies) : bodies_(bodies), replies_(plan.in_flight) {
    multi_ = curl_multi_init();
    headers_ = curl_slist_append(curl_slist_append(nullptr, "Content-Type: application/x-ndjson"), "Expect:");
    const std::string url = plan.address + std::string(elastic::kBulkPath);
    for (std::string& reply : replies_) {
      Easy& easy = easies_.emplace_back(curl_easy_init());
      curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
      curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers_);
      curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &append_to);
      curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &reply);
      curl_easy_setopt(easy.get(), CURLOPT_PRIVATE, &reply);
      curl_easy_setopt(easy.get(), CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
      curl_easy_setopt(easy.get(), CURLOPT_POST, 1L);
    }
  }
  ~Loader() {
    easies_.clear();
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
  }

  /// Returns how many items were refused.
  std::size_t run() {
    for (Easy& easy : easies_) send_next(easy.get());
    while (done_ < bodies_.size()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      for (int left = 0; CURLMsg* message = curl_multi_info_read(multi_, &left);) take(*message);
      if (done_ < bodies_.size()) curl_multi_poll(multi_, nullptr, 0, 1'000, nullptr);
    }
    return refused_;
  }

 private:
  void send_next(CURL* easy) {
    if (next_ == bodies_.size()) return;
    const std::string& body = bodies_[next_++];
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
    curl_multi_add_handle(multi_, easy);
  }

  void take(const CURLMsg& message) {
    long status = 0;
    std::string* reply = nullptr;
    CURL* easy = message.easy_handle;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &reply);
    SLUICE_CHECK(message.data.result == CURLE_OK && status == 200, "a yardstick needs a server that takes all bulks");
    refused_ += occurrences(*reply, "\"error\"");
    reply->clear();
    ++done_;
    curl_multi_remove_handle(multi_, easy);
    send_next(easy);
  }

  const std::vector<std::string>& bodies_;
  std::vector<std::string> replies_;
  CURLM* multi_ = nullptr;
  curl_slist* headers_ = nullptr;
  std::vector<Easy> easies_;
  std::size_t next_ = 0;
  std::size_t done_ = 0;
  std::size_t refused_ = 0;
};

void run_loader(const Plan& plan) {
  make_index(plan);
  const std::vector<std::string> bodies = bodies_of(plan);
  std::size_t documents = 0;
  for (const std::string& body : bodies) documents += occurrences(body, "\n") / 2;
  Loader loader(plan, bodies);
  const Used before = Used::now();
  const std::size_t refused = loader.run();
  print("loader", before, documents, refused);
}

void run_sink(const Plan& plan) {
  make_index(plan);
  std::vector<pipeline::DocumentBatch> batches = batches_of(plan);
  elastic::ConnectionOptions connection;
  connection.addresses = {plan.address};
  elastic::BulkSinkOptions options;
  options.max_in_flight = plan.in_flight;
  auto sink = std::move(elastic::BulkSink::open(connection, options).value());
  const Used before = Used::now();
  std::size_t refused = 0;
  for (std::size_t next = 0, done = 0; done < batches.size();) {
    for (; next < batches.size() && sink->has_room(); ++next)
      SLUICE_CHECK(sink->submit(std::move(batches[next]), next), "there is room");
    const auto outcomes = sink->outcomes();
    SLUICE_CHECK(outcomes, "a bench needs a server that takes all bulks");
    for (const pipeline::BatchOutcome& outcome : *outcomes) {
      SLUICE_CHECK(!outcome.error, "a bench needs a server that takes all bulks");
      refused += static_cast<std::size_t>(std::ranges::count_if(
          outcome.items, [](const auto& item) { return item.outcome != pipeline::ItemOutcome::Written; }));
      ++done;
    }
    const pipeline::Wait wait = sink->waits_for();
    if (done == batches.size() || (next < batches.size() && sink->has_room())) continue;
    pollfd descriptor{wait.fd, wait.events, 0};
    const auto left =
        wait.deadline ? std::chrono::ceil<base::Milliseconds>(*wait.deadline - Clock::now()).count() : 1'000;
    poll(&descriptor, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000)));
  }
  print("sink", before, plan.documents, refused);
}

Plan plan_of(int argc, char** argv) {
  Plan plan;
  std::map<std::string, std::string> given;
  for (int i = 2; i < argc; ++i) {
    const std::string_view argument = argv[i];
    given[std::string(argument.substr(0, argument.find('=')))] = argument.substr(argument.find('=') + 1);
  }
  const std::map<std::string, std::size_t*> numbers = {{"documents", &plan.documents},
                                                       {"document_bytes", &plan.document_bytes},
                                                       {"bulk_documents", &plan.bulk_documents},
                                                       {"in_flight", &plan.in_flight},
                                                       {"rounds", &plan.rounds}};
  const std::map<std::string, std::string*> texts = {
      {"address", &plan.address}, {"index", &plan.index}, {"file", &plan.file}, {"index_body", &plan.index_body}};
  for (const auto& [name, value] : given) {
    if (numbers.contains(name)) {
      *numbers.at(name) = std::stoull(value);
    } else if (texts.contains(name)) {
      *texts.at(name) = value;
    } else if (name == "versions") {
      plan.versions = value == "on";
    } else {
      fmt::print(stderr, "unknown: {}\n", name);
      std::exit(2);
    }
  }
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const Plan plan = plan_of(argc, argv);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (mode != "loader" && mode != "sink" && mode != "both") {
    fmt::print(stderr,
               "usage: bulk_loader_bench loader|sink|both name=value… (the first lines of its source say more)\n");
    return 2;
  }
  const std::size_t rounds = mode == "both" ? plan.rounds : 1;
  for (std::size_t round = 0; round < rounds; ++round) {
    if (mode != "sink") run_loader(plan);
    if (mode != "loader") run_sink(plan);
  }
  return 0;
}
