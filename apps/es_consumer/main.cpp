// es_consumer: Kafka's records into Elasticsearch. The wiring is in libs/connector.
#include "cli.h"

int main(int argc, char** argv) { return sluice::es_consumer::run_command_line(argc, argv); }
