// Joins of every two kinds of things.

import java.time.Duration;
import java.util.function.BiFunction;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.ValueJoiner;
import org.apache.kafka.streams.kstream.ValueJoinerWithKey;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;
import org.apache.kafka.streams.state.WindowStore;

final class Joins {
  private Joins() {}

  private static ValueJoinerWithKey<Object, Object, Object, Object> joinerWithKey(Node node) {
    return Functions.joiner(node.child("joiner"))::apply;
  }

  /** Joins of tables do not hand over the key. */
  private static ValueJoiner<Object, Object, Object> joiner(Node node) {
    Functions.Three joiner = Functions.joiner(node.child("joiner"));
    return (left, right) -> joiner.apply(null, left, right);
  }

  static Object streams(Node node, Handles handles) {
    KStream<Object, Object> left = handles.stream(node, "from");
    KStream<Object, Object> right = handles.stream(node, "with");
    Node window = node.child("windows");
    long before = window.number("beforeMs");
    long after = window.number("afterMs");
    JoinWindows windows = JoinWindows.ofTimeDifferenceAndGrace(Duration.ofMillis(Math.max(0, Math.max(before, after))), window.duration("graceMs"))
        .before(window.duration("beforeMs"))
        .after(window.duration("afterMs"));
    StreamJoined<Object, Object, Object> joined = StreamJoined.with(node.serde("keySerde"), node.serde("valueSerde"), node.serde("otherValueSerde"));
    if (handles.variant.isPatient()) {
      joined = joined
          .withThisStoreSupplier(patientStore(node.text("id") + "-this", windows))
          .withOtherStoreSupplier(patientStore(node.text("id") + "-other", windows));
    }
    return switch (node.text("kind")) {
      case "inner" -> left.join(right, joinerWithKey(node), windows, joined);
      case "left" -> left.leftJoin(right, joinerWithKey(node), windows, joined);
      default -> left.outerJoin(right, joinerWithKey(node), windows, joined);
    };
  }

  /** One that keeps entries longer than it says: a join insists on a certain time. */
  private static WindowBytesStoreSupplier patientStore(String name, JoinWindows windows) {
    long size = windows.size();
    long retention = size + windows.gracePeriodMs();
    WindowBytesStoreSupplier real = Stores.inMemoryWindowStore(name, Duration.ofMillis(retention + 1), Duration.ofMillis(size), true);
    return new WindowBytesStoreSupplier() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public WindowStore<Bytes, byte[]> get() {
        return real.get();
      }

      @Override
      public String metricsScope() {
        return real.metricsScope();
      }

      @Override
      public long segmentIntervalMs() {
        return real.segmentIntervalMs();
      }

      @Override
      public long windowSize() {
        return size;
      }

      @Override
      public boolean retainDuplicates() {
        return true;
      }

      @Override
      public long retentionPeriod() {
        return retention;
      }
    };
  }

  static Object streamWithTable(Node node, Handles handles) {
    Joined<Object, Object, Object> joined = Joined.with(node.serde("keySerde"), node.serde("valueSerde"), node.serde("otherValueSerde"));
    // A name for the store of records that wait: without one, two such joins of a topology want the same.
    if (node.has("graceMs")) joined = joined.withGracePeriod(node.duration("graceMs")).withName("join-" + node.text("id"));
    KStream<Object, Object> left = handles.stream(node, "from");
    KTable<Object, Object> right = handles.table(node, "with");
    return node.is("kind", "inner") ? left.join(right, joinerWithKey(node), joined) : left.leftJoin(right, joinerWithKey(node), joined);
  }

  @SuppressWarnings("unchecked")
  static Object streamWithGlobalTable(Node node, Handles handles) {
    KStream<Object, Object> left = handles.stream(node, "from");
    GlobalKTable<Object, Object> right = (GlobalKTable<Object, Object>) handles.get(node, "with");
    Functions.Two key = Functions.mapper(node.child("key"));
    return node.is("kind", "inner") ? left.join(right, key::apply, joinerWithKey(node)) : left.leftJoin(right, key::apply, joinerWithKey(node));
  }

  static Object tables(Node node, Handles handles) {
    KTable<Object, Object> left = handles.table(node, "from");
    KTable<Object, Object> right = handles.table(node, "with");
    ValueJoiner<Object, Object, Object> joiner = joiner(node);
    Materialized<Object, Object, KeyValueStore<Bytes, byte[]>> rows = node.has("store") ? Materializing.rows(node) : null;
    return switch (node.text("kind")) {
      case "inner" -> rows == null ? left.join(right, joiner) : left.join(right, joiner, rows);
      case "left" -> rows == null ? left.leftJoin(right, joiner) : left.leftJoin(right, joiner, rows);
      default -> rows == null ? left.outerJoin(right, joiner) : left.outerJoin(right, joiner, rows);
    };
  }

  static Object byForeignKey(Node node, Handles handles) {
    KTable<Object, Object> left = handles.table(node, "from");
    KTable<Object, Object> right = handles.table(node, "with");
    Functions.Two extractor = Functions.mapper(node.child("foreignKey"));
    BiFunction<Object, Object, Object> foreignKey = extractor::apply;
    return node.is("kind", "inner")
        ? left.join(right, foreignKey, joiner(node), Materializing.rows(node))
        : left.leftJoin(right, foreignKey, joiner(node), Materializing.rows(node));
  }
}
