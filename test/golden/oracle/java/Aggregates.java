// Groups of streams and tables, cogroups, and what is aggregated of them, with windows or without.

import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.CogroupedKStream;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Initializer;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KGroupedTable;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;

final class Aggregates {
  private static final Serde<Long> LONG = Serdes.Long();

  /** A group of a table, and the node that says with which serdes. */
  private record TableGroup(KGroupedTable<Object, Object> grouped, Node node) {}

  private Aggregates() {}

  static Object group(Node node, KStream<Object, Object> from) {
    Grouped<Object, Object> grouped = Grouped.with(node.serde("keySerde"), node.serde("valueSerde"));
    return new Windowing.Group(node.is("op", "groupByKey") ? from.groupByKey(grouped) : from.groupBy(Functions.mapper(node.child("key"))::apply, grouped), node);
  }

  static Object group(Node node, KTable<Object, Object> from) {
    Functions.Two key = Functions.mapper(node.child("key"));
    Functions.Two value = Functions.mapper(node.child("value"));
    return new TableGroup(from.groupBy((k, v) -> KeyValue.pair(key.apply(k, v), value.apply(k, v)), Grouped.with(node.serde("keySerde"), node.serde("valueSerde"))), node);
  }

  static Object cogroup(Node node, Handles handles) {
    CogroupedKStream<Object, Object> all = null;
    for (Node input : node.children("inputs")) {
      Functions.Three add = Functions.aggregator(input.child("aggregator"));
      KGroupedStream<Object, Object> grouped = ((Windowing.Group) handles.get(input, "from")).grouped();
      all = all == null ? grouped.cogroup(add::apply) : all.cogroup(grouped, add::apply);
    }
    return all;
  }

  @SuppressWarnings("unchecked")
  static Object windowedBy(Node node, Object from) {
    return from instanceof Windowing.Group group ? Windowing.of(node, group) : Windowing.of(node, (CogroupedKStream<Object, Object>) from);
  }

  @SuppressWarnings("unchecked")
  static Object of(Node node, Object from, Variant variant) {
    if (from instanceof Windowing.Group group) return ofStream(node, group);
    if (from instanceof Windowing windowing) return ofWindows(node, windowing, variant);
    if (from instanceof CogroupedKStream<?, ?> cogrouped) return ((CogroupedKStream<Object, Object>) cogrouped).aggregate(initializer(node), Materializing.rows(node));
    return ofTable(node, (TableGroup) from);
  }

  private static Initializer<Object> initializer(Node node) {
    return () -> node.value("initial");
  }

  private static Object ofStream(Node node, Windowing.Group group) {
    KGroupedStream<Object, Object> grouped = group.grouped();
    return switch (node.text("op")) {
      case "count" -> grouped.count(Materializing.rows(node, group.key(), LONG));
      case "reduce" -> grouped.reduce(Functions.reducer(node.child("reducer"))::apply, Materializing.rows(node, group.key(), group.value()));
      default -> grouped.aggregate(initializer(node), Functions.aggregator(node.child("aggregator"))::apply, Materializing.rows(node));
    };
  }

  private static Object ofTable(Node node, TableGroup group) {
    KGroupedTable<Object, Object> grouped = group.grouped();
    Serde<Object> key = group.node().serde("keySerde");
    return switch (node.text("op")) {
      case "count" -> grouped.count(Materializing.rows(node, key, LONG));
      case "reduce" -> grouped.reduce(Functions.reducer(node.child("reducer"))::apply, Functions.reducer(node.child("subtractor"))::apply, Materializing.rows(node, key, group.node().serde("valueSerde")));
      default -> grouped.aggregate(initializer(node), Functions.aggregator(node.child("aggregator"))::apply, Functions.aggregator(node.child("subtractor"))::apply, Materializing.rows(node));
    };
  }

  private static Object ofWindows(Node node, Windowing windowing, Variant variant) {
    if (windowing.timeCogroup() != null) {
      return windowing.timeCogroup().aggregate(initializer(node), Materializing.windows(node, windowing, node.serde("keySerde"), node.serde("valueSerde"), variant));
    }
    if (windowing.sessionCogroup() != null) {
      var kept = Materializing.sessions(node, windowing, node.serde("keySerde"), node.serde("valueSerde"), variant);
      return windowing.sessionCogroup().aggregate(initializer(node), Functions.merger(node.child("merger"))::apply, kept);
    }
    return windowing.session() == null ? ofTimeWindows(node, windowing, variant) : ofSessions(node, windowing, variant);
  }

  private static Object ofTimeWindows(Node node, Windowing windowing, Variant variant) {
    Windowing.Group group = windowing.group();
    return switch (node.text("op")) {
      case "count" -> windowing.time().count(Materializing.windows(node, windowing, group.key(), LONG, variant));
      case "reduce" -> windowing.time().reduce(Functions.reducer(node.child("reducer"))::apply, Materializing.windows(node, windowing, group.key(), group.value(), variant));
      default -> windowing.time().aggregate(
          initializer(node), Functions.aggregator(node.child("aggregator"))::apply, Materializing.windows(node, windowing, node.serde("keySerde"), node.serde("valueSerde"), variant));
    };
  }

  private static Object ofSessions(Node node, Windowing windowing, Variant variant) {
    Windowing.Group group = windowing.group();
    return switch (node.text("op")) {
      case "count" -> windowing.session().count(Materializing.sessions(node, windowing, group.key(), LONG, variant));
      case "reduce" -> windowing.session().reduce(Functions.reducer(node.child("reducer"))::apply, Materializing.sessions(node, windowing, group.key(), group.value(), variant));
      default -> windowing.session().aggregate(
          initializer(node),
          Functions.aggregator(node.child("aggregator"))::apply,
          Functions.merger(node.child("merger"))::apply,
          Materializing.sessions(node, windowing, node.serde("keySerde"), node.serde("valueSerde"), variant));
    };
  }
}
