# Every version that is fetched, pinned with its hash; sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034  # used by the scripts that source this

LIBRDKAFKA_AT_LEAST=2.6 # older ones lose idempotence state, and Kafka 4 refuses their SCRAM
LIBRDKAFKA_VERSION=2.12.1
RDKAFKA_SYS_VERSION=4.10.0
LIBRDKAFKA_TREE_SHA256=b7f760cb9f9a3c3cf15055ba8d4fb14dc8802b2a342d0b9205fb1f1f06a3f12b
