// link: sluice::kafka fmt::fmt
//
// link: sluice::kafka fmt::fmt
// What the Kafka client costs, against a broker that is already there.
//
//   kafka_bench produce|latency|consume name=value…
//     brokers=127.0.0.1:9092 topic=bench partitions=3 records=2000000 value_bytes=396 rate=10000 seconds=5
//     compression=lz4 linger_ms=2 batch_bytes=… batch_records=… queue_records=… queue_kilobytes=…
//     and any property of librdkafka by its own name
//
// produce: as fast as it goes; records/s and CPU of this process with all its threads. latency: `rate` records a second
// in small bursts, send → delivery. The topic must exist.
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "sluice/kafka/consumer.h"
#include "sluice/kafka/producer.h"

namespace {

using namespace sluice;
using Settings = std::map<std::string, std::string>;

std::string take(Settings& settings, const std::string& name, const std::string& fallback) {
  const auto node = settings.extract(name);
  return node ? node.mapped() : fallback;
}

std::uint64_t take_number(Settings& settings, const std::string& name, std::uint64_t fallback) {
  return std::stoull(take(settings, name, std::to_string(fallback)));
}

struct Plan {
  kafka::ClientOptions client;
  kafka::ProducerOptions producer;
  std::string topic;
  std::uint64_t records, value_bytes, rate, seconds;
  std::int32_t partitions;
};

Plan plan_of(Settings settings) {
  Plan plan;
  plan.client.brokers = take(settings, "brokers", "127.0.0.1:9092");
  plan.topic = take(settings, "topic", "bench");
  plan.partitions = static_cast<std::int32_t>(take_number(settings, "partitions", 3));
  plan.records = take_number(settings, "records", 2'000'000);
  plan.value_bytes = take_number(settings, "value_bytes", 396);
  plan.rate = take_number(settings, "rate", 10'000);
  plan.seconds = take_number(settings, "seconds", 5);
  kafka::ProducerOptions& producer = plan.producer;
  producer.compression = take(settings, "compression", producer.compression);
  producer.linger =
      base::Milliseconds(take_number(settings, "linger_ms", static_cast<std::uint64_t>(producer.linger.count())));
  const auto number = [&](const char* name, std::uint32_t& option) {
    option = static_cast<std::uint32_t>(take_number(settings, name, option));
  };
  number("batch_bytes", producer.max_batch_bytes);
  number("batch_records", producer.max_batch_records);
  number("queue_records", producer.max_queue_records);
  number("queue_kilobytes", producer.max_queue_kilobytes);
  plan.client.properties = std::move(settings);
  plan.client.log = [](const kafka::LogLine& line) { std::cerr << line.message << '\n'; };
  return plan;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

[[noreturn]] void give_up(const base::Error& error) {
  std::cerr << "ERROR " << error.id << ": " << error.message << '\n';
  std::exit(1);
}

template <class T>
T value_or_exit(base::Result<T> result) {
  if (!result) give_up(result.error());
  return std::move(*result);
}

/// An envelope like a real one: most of it repeats, some digits change.
void write_value(std::string& value, std::uint64_t i, std::uint64_t size) {
  value =
      fmt::format(R"({{"id":"0001-{:016x}-{:08x}","op":"c","ts_ms":{},"source":{{"version":"0.1.0",)"
                  R"("connector":"postgresql","name":"sluice","ts_ms":{},"snapshot":"false","db":"mydb",)"
                  R"("schema":"public","table":"users","txId":{},"lsn":{},"commit_lsn":{},"seq":{},"epoch":1,)"
                  R"("schema_id":"5f1c09aa7be20143","xmin":null}},"before":null,"after":{{"id":{},)"
                  R"("balance":"{}.50"}}}})",
                  0x1693e28 + i / 10 * 240, i % 10 + 1, 1700000000123 + i / 300, 1700000000000 + i / 300, 771 + i / 10,
                  23674136 + i * 24, 23674408 + i / 10 * 240, i % 10 + 1, i, i * 2654435761U % 1000000);
  value.resize(std::max<std::size_t>(size, value.size()), 'x');
}

void wait_for(const pipeline::Waitable& port, int timeout_ms) {
  const pipeline::Wait wait = port.waits_for();
  pollfd descriptor{wait.fd, wait.events, 0};
  ::poll(&descriptor, 1, wait.deadline ? 0 : timeout_ms);
}

int produce(const Plan& plan) {
  auto sink = value_or_exit(kafka::Producer::open(plan.client, plan.producer, {plan.topic}, "sluice-control"));
  std::vector<std::string> values(1000);
  for (std::uint64_t i = 0; i < values.size(); ++i) write_value(values[i], i * 977, plan.value_bytes);
  const auto begin = base::Clock::now();
  const double cpu_begin = cpu_seconds();
  std::uint64_t sent = 0, delivered = 0, full = 0;
  std::string key = "public.users:00000000";
  while (delivered < plan.records) {
    bool blocked = false;
    for (int burst = 0; burst < 256 && sent < plan.records; ++burst) {
      change::Record record;
      fmt::format_to(key.data() + 13, "{:08}", sent % 100'000'000);
      record.key = key;
      record.value = values[sent % values.size()];
      record.partition = static_cast<std::int32_t>(sent / 7 % static_cast<std::uint64_t>(plan.partitions));
      if (value_or_exit(sink->send(record, {sent})) == pipeline::SendStatus::Full) {
        blocked = true;
        ++full;
        break;
      }
      ++sent;
    }
    delivered += value_or_exit(sink->deliveries()).size();
    if (blocked || sent == plan.records) wait_for(*sink, 100);
  }
  const double seconds = std::chrono::duration<double>(base::Clock::now() - begin).count();
  const double cpu = cpu_seconds() - cpu_begin;
  fmt::print(
      "produce: {} records of {} B in {:.2f} s: {:.0f} records/s, {:.3f} us CPU per record, full {} times, peak {} "
      "MB\n",
      plan.records, plan.value_bytes, seconds, static_cast<double>(plan.records) / seconds,
      cpu * 1e6 / static_cast<double>(plan.records), full, peak_kilobytes() / 1024);
  return 0;
}

int latency(const Plan& plan) {
  auto sink = value_or_exit(kafka::Producer::open(plan.client, plan.producer, {plan.topic}, "sluice-control"));
  std::string value;
  const std::uint64_t records = plan.rate * plan.seconds;
  std::vector<base::Clock::time_point> sent_at(records);
  std::vector<double> milliseconds;
  std::uint64_t sent = 0;
  double cpu_begin = 0;
  // The first second connects and warms up.
  const auto begin = base::Clock::now();
  while (milliseconds.size() < records) {
    const double elapsed = std::chrono::duration<double>(base::Clock::now() - begin).count();
    const auto due = std::min(records, static_cast<std::uint64_t>(elapsed * static_cast<double>(plan.rate)));
    while (sent < due) {
      write_value(value, sent, plan.value_bytes);
      change::Record record;
      record.key = "public.users:1";
      record.value = value;
      record.partition = static_cast<std::int32_t>(sent % static_cast<std::uint64_t>(plan.partitions));
      sent_at[sent] = base::Clock::now();
      if (value_or_exit(sink->send(record, {sent})) == pipeline::SendStatus::Full) break;
      if (sent++ == plan.rate) cpu_begin = cpu_seconds();
    }
    for (const auto& delivery : value_or_exit(sink->deliveries())) {
      milliseconds.push_back(
          std::chrono::duration<double, std::milli>(base::Clock::now() - sent_at[delivery.ticket.value]).count());
    }
    wait_for(*sink, 1);
  }
  const double cpu = cpu_seconds() - cpu_begin;
  std::vector<double> steady(milliseconds.begin() + static_cast<std::ptrdiff_t>(plan.rate), milliseconds.end());
  std::sort(steady.begin(), steady.end());
  const auto at = [&](double share) {
    return steady[static_cast<std::size_t>(share * static_cast<double>(steady.size() - 1))];
  };
  fmt::print(
      "latency at {}/s: p50 {:.2f} ms, p99 {:.2f} ms, p99.9 {:.2f} ms, max {:.2f} ms, {:.3f} us CPU per record\n",
      plan.rate, at(0.5), at(0.99), at(0.999), at(1.0), cpu * 1e6 / static_cast<double>(steady.size()));
  return 0;
}

/// Every record is looked at as es_consumer would, without what it does with it.
int consume(const Plan& plan) {
  kafka::ConsumerOptions options;
  options.group = fmt::format("bench-{}", base::WallClock::now().time_since_epoch().count());
  options.topics = {plan.topic};
  auto source = value_or_exit(kafka::Consumer::open(plan.client, options));
  std::uint64_t records = 0, bytes = 0, batches = 0;
  base::Clock::time_point begin;
  double cpu_begin = 0;
  while (records < plan.records) {
    auto event = value_or_exit(source->next());
    if (!event) {
      wait_for(*source, 100);
      continue;
    }
    if (const auto* assigned = std::get_if<pipeline::Assigned>(&*event)) {
      for (const auto& start : assigned->partitions)
        if (const auto begun = source->begin(start.partition, start.begin); !begun) give_up(begun.error());
      begin = base::Clock::now();
      cpu_begin = cpu_seconds();
    }
    const auto* batch = std::get_if<pipeline::ConsumedBatchPtr>(&*event);
    if (batch == nullptr) continue;
    for (const auto& record : (*batch)->records()) bytes += record.key.size() + record.value.size();
    records += (*batch)->records().size();
    ++batches;
    const auto finished = source->finish((*batch)->partition(), (*batch)->records().back().offset + 1);
    if (!finished) give_up(finished.error());
  }
  const double seconds = std::chrono::duration<double>(base::Clock::now() - begin).count();
  const double cpu = cpu_seconds() - cpu_begin;
  fmt::print(
      "consume: {} records, {} MB in {:.2f} s: {:.0f} records/s, {:.3f} us CPU per record, {} batches, peak {} MB\n",
      records, bytes >> 20, seconds, static_cast<double>(records) / seconds, cpu * 1e6 / static_cast<double>(records),
      batches, peak_kilobytes() / 1024);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: kafka_bench produce|latency|consume name=value…\n";
    return 2;
  }
  Settings settings;
  for (int i = 2; i < count; ++i) {
    const std::string argument = arguments[i];
    const auto equals = argument.find('=');
    settings[argument.substr(0, equals)] = equals == std::string::npos ? "" : argument.substr(equals + 1);
  }
  const Plan plan = plan_of(std::move(settings));
  const std::string_view mode = arguments[1];
  if (mode == "latency") return latency(plan);
  return mode == "consume" ? consume(plan) : produce(plan);
}
