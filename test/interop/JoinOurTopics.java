// A Kafka Streams application that reads repartition topics written by Millrace and joins them with tables whose records it has written itself, so with
// its own partitioner. Tasks only see partitions of one number together: a key in another partition than Java's would find no partner.
//
// Arguments: bootstrap servers, application id, for string keys and for long keys "<stream topic>,<table topic>,<output topic>", results to wait for, keys.

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.Produced;

public class JoinOurTopics {
  public static void main(String[] args) throws Exception {
    String servers = args[0];
    CountDownLatch awaited = new CountDownLatch(Integer.parseInt(args[4]));
    StreamsBuilder builder = new StreamsBuilder();
    int keys = Integer.parseInt(args[5]);
    add(builder, args[2].split(","), Serdes.String(), servers, keysOf(keys, "key-%d"::formatted), awaited);
    add(builder, args[3].split(","), Serdes.Long(), servers, keysOf(keys, index -> (index - 50) * 1_000_003L), awaited);

    Properties settings = new Properties();
    settings.putAll(Map.of(
        "bootstrap.servers", servers, "application.id", args[1], "state.dir", args[6],
        // Rows before what is joined with them.
        "auto.offset.reset", "earliest", "max.task.idle.ms", "2000", "commit.interval.ms", "100", "replication.factor", "1"));
    try (KafkaStreams streams = new KafkaStreams(builder.build(), settings)) {
      streams.start();
      boolean isWhole = awaited.await(90, TimeUnit.SECONDS);
      streams.close(Duration.ofSeconds(10));
      System.out.println(isWhole ? "all joined" : awaited.getCount() + " results are missing");
      System.exit(isWhole ? 0 : 1);
    }
  }

  private static <K> void add(StreamsBuilder builder, String[] topics, Serde<K> serde, String servers, List<K> keys, CountDownLatch awaited) throws Exception {
    Map<String, Object> producing = Map.of("bootstrap.servers", servers);
    try (KafkaProducer<K, String> producer = new KafkaProducer<>(producing, serde.serializer(), Serdes.String().serializer())) {
      for (K key : keys) producer.send(new ProducerRecord<>(topics[1], null, 0L, key, "name of " + key)).get();
    }
    builder.stream(topics[0], Consumed.with(serde, Serdes.Long()))
        .join(builder.table(topics[1], Consumed.with(serde, Serdes.String())), (amount, name) -> name + ": " + amount, Joined.with(serde, Serdes.Long(), Serdes.String()))
        .peek((key, value) -> awaited.countDown())
        .to(topics[2], Produced.with(serde, Serdes.String()));
  }

  private static <K> List<K> keysOf(int count, java.util.function.IntFunction<K> make) {
    List<K> keys = new ArrayList<>();
    for (int index = 0; index < count; index++) keys.add(make.apply(index));
    return keys;
  }
}
