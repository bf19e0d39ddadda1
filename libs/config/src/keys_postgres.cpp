#include "checks.h"
#include "key.h"

namespace sluice::config {
namespace {

std::vector<Key> connection_keys(PostgresSettings& s) {
  return {
      {.name = "host",
       .field = &s.host,
       .check = check_not_empty,
       .example = "localhost",
       .doc = "Host name, address, or directory of the unix socket."},
      {.name = "port", .field = &s.port, .min = 1, .max = 65'535, .example = "5432", .doc = "TCP port."},
      {.name = "user",
       .field = &s.user,
       .check = check_not_empty,
       .example = "cdc_user",
       .doc = "Role with LOGIN and REPLICATION, and with SELECT on the tables for the snapshot."},
      {.name = "password",
       .field = &s.password,
       .example = "${PGPASSWORD}",
       .doc = "Password of the role; better in a variable or in password_file than here."},
      {.name = "password_file",
       .field = &s.password_file,
       .check = check_not_empty,
       .example = "/etc/sluice/pg.password",
       .doc = "File with the password, readable by its owner only."},
      {.name = "dbname",
       .field = &s.dbname,
       .check = check_not_empty,
       .known_as = "database",
       .example = "mydb",
       .doc = "Database."},
      {.name = "sslmode",
       .field = choice(s.sslmode, {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}),
       .example = "verify-full",
       .doc = "As libpq knows it. Over a network only verify-full keeps the password and the rows private."},
      {.name = "sslrootcert",
       .field = &s.sslrootcert,
       .check = check_not_empty,
       .example = "/etc/sluice/pg-ca.pem",
       .doc = "Certificates of the authorities that verify-ca and verify-full believe."},
  };
}

std::vector<Key> capture_keys(PostgresSettings& s) {
  return {
      {.name = "slot_name",
       .field = &s.slot_name,
       .check = check_slot_name,
       .need = Need::Replicator,
       .example = "sluice",
       .doc = "Logical replication slot: lower-case letters, digits and _, at most 63. One slot belongs to one "
              "pipeline."},
      {.name = "publication_name",
       .field = &s.publication_name,
       .check = check_publication_name,
       .need = Need::Replicator,
       .example = "sluice",
       .doc = "Publication that names the tables."},
      {.name = "tables",
       .field = &s.tables,
       .example = "public.users",
       .doc = "Tables to capture, each schema.table; a name with a dot in it stands in double quotes. Needed to "
              "make the "
              "publication. With create_publication: off it may be left out: then all tables of the publication."},
      {.name = "publication_operations",
       .field = &s.publication_operations,
       .check = check_operation,
       .doc = "What a publication made by us publishes. All four, so that nothing is lost that the table says."},
      {.name = "create_publication",
       .field = on_off(s.create_publication),
       .doc = "Make the publication when it is missing. Off where a DBA makes it."},
      {.name = "create_slot",
       .field = on_off(s.create_slot),
       .doc = "Make the slot when it is missing and nothing was ever captured. Off where a DBA makes it; then with "
              "snapshot: never."},
  };
}

std::vector<Key> reading_keys(PostgresSettings& s) {
  return {
      {.name = "snapshot",
       .field = choice(s.snapshot, {"initial", "never"}, {"always", "initial_only", "when_needed"}),
       .doc = "initial: the rows that exist when the slot is made come first, then the stream, nothing lost or "
              "doubled. "
              "never: the stream only."},
      {.name = "accept_snapshot_race",
       .field = on_off(s.accept_snapshot_race),
       .doc = "Take a snapshot even from a minor version of PostgreSQL whose slot snapshots can miss a transaction "
              "(before 14.25, 15.20, 16.16, 17.12, 18.6). Better update the server."},
      {.name = "toast",
       .field = choice(s.toast, {"reselect", "mark", "require_full"}),
       .doc = "A large value that an UPDATE did not touch is not in the stream. reselect: it is read from the "
              "table. mark: "
              "its column is named in `unavailable`. require_full: tables must have REPLICA IDENTITY FULL."},
      {.name = "reselect_timeout",
       .field = &s.reselect_timeout,
       .min = 100,
       .max = 600'000,
       .doc = "Longest wait for such a read; then the column is named in `unavailable`. Feedback goes on meanwhile."},
      {.name = "on_rewrite",
       .field = choice(s.on_rewrite, {"halt", "continue"}),
       .doc = "When a column gets another type, a table another key, or a table is dropped and made again or renamed, "
              "existing rows change without an event. halt: nothing of that table is sent from then on, the others go "
              "on; `replicator tables` says more. continue: a warning, and on with wrong copies of those rows."},
  };
}

std::vector<Key> streaming_keys(PostgresSettings& s) {
  return {
      {.name = "streaming",
       .field = on_off(s.streaming),
       .doc =
           "Take large transactions while they are in progress (protocol 2) and keep them here until they commit, "
           "instead of PostgreSQL keeping them on its disk. They arrive sooner after their commit; the events are the "
           "same."},
      {.name = "spool_memory",
       .field = &s.spool_memory,
       .min = 1 << 20,
       .max = 1ULL << 30,
       .doc = "With streaming: so much of transactions in progress stays in memory, the rest goes to files without a "
              "name in state_dir."},
      {.name = "spool_limit",
       .field = &s.spool_limit,
       .min = 1 << 20,
       .max = 1ULL << 44,
       .doc = "With streaming: what transactions in progress may take altogether. More stops the replicator, with "
              "nothing lost."},
  };
}

std::vector<Key> pace_keys(PostgresSettings& s) {
  return {
      {.name = "status_interval",
       .field = &s.status_interval,
       .min = 100,
       .max = 60'000,
       .doc = "How often the position is saved and confirmed to the server. Every second: both cost nothing, and a "
              "restart repeats little. At most a third of wal_sender_timeout."},
      {.name = "park_after",
       .field = &s.park_after,
       .min = 1'000,
       .max = 600'000,
       .doc = "After so long without progress into Kafka the connection is closed (parked) until Kafka is back, "
              "because a "
              "client that does not read can hold up checkpoints and shutdown of the whole server. Below "
              "wal_sender_timeout."},
      {.name = "idle_checkpoint_interval",
       .field = &s.idle_checkpoint_interval,
       .min = 1'000,
       .max = 600'000,
       .doc = "How often progress without any captured change is saved, so that an idle slot releases WAL."},
      {.name = "idle_checkpoint_bytes",
       .field = &s.idle_checkpoint_bytes,
       .min = 1 << 16,
       .max = 1ULL << 30,
       .doc = "The same, by WAL passed: whichever comes first."},
      {.name = "recheck_interval",
       .field = &s.recheck_interval,
       .min = 1'000,
       .max = 3'600'000,
       .doc = "How often it is looked whether publication and topics are still those that the pipeline began with: one "
              "made again on the way loses changes without a word. A small question to each server."},
      {.name = "local_recipe",
       .field = choice(s.local_recipe, {"auto", "on", "off"}),
       .doc = "Read in large gulps from a server on this host, which halves its work for each row. auto: when the "
              "address is one of this host; on: also for containers that share one; off: never."},
  };
}

std::vector<Key> timeout_keys(PostgresSettings& s) {
  return {
      {.name = "connect_timeout",
       .field = &s.connect_timeout,
       .min = 1'000,
       .max = 300'000,
       .doc = "Longest wait for a connection to one address of the host, in whole seconds."},
      {.name = "query_timeout",
       .field = &s.query_timeout,
       .min = 1'000,
       .max = 3'600'000,
       .doc = "statement_timeout of the catalog queries. Reading a table in a snapshot has no limit."},
      {.name = "lock_timeout",
       .field = &s.lock_timeout,
       .min = 100,
       .max = 600'000,
       .doc = "Longest wait for a lock, so that we never queue before the application's own work."},
      {.name = "slot_timeout",
       .field = &s.slot_timeout,
       .min = 1'000,
       .max = 86'400'000,
       .doc = "Longest wait for a new slot: it waits for every transaction that is writing at that moment."},
      {.name = "wal_sender_timeout",
       .field = &s.wal_sender_timeout,
       .min = 5'000,
       .max = 3'600'000,
       .doc = "Set for our connection: after so long without a sign of life the server lets go of us and of the "
              "slot."},
      {.name = "tcp_user_timeout",
       .field = &s.tcp_user_timeout,
       .min = 1'000,
       .max = 3'600'000,
       .doc = "Set at both ends of our connection: a peer that does not acknowledge bytes for so long is gone. "
              "Without "
              "it a dead client can block the server's checkpoints."},
  };
}

}  // namespace

Section postgres_keys(PostgresSettings& s) {
  return {.name = "postgres",
          .read_by = Need::Replicator,
          .doc =
              "The source. host to sslrootcert may be left out: libpq then looks at the PG* environment variables, the "
              "service file and ~/.pgpass.",
          .keys = joined({connection_keys(s), capture_keys(s), reading_keys(s), streaming_keys(s), pace_keys(s),
                          timeout_keys(s)})};
}

}  // namespace sluice::config
