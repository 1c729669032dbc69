// From the nodes of a case to a topology of Kafka Streams.

import org.apache.kafka.streams.Topology;

final class CaseTopology {
  private CaseTopology() {}

  static Topology of(Node golden, Variant variant) {
    Handles handles = new Handles(variant);
    for (Node node : golden.child("topology").children("nodes")) {
      Object handle = build(node, handles);
      if (handle != null && node.has("id")) handles.put(node.text("id"), handle);
    }
    return handles.builder.build();
  }

  private static Object build(Node node, Handles handles) {
    return switch (node.text("op")) {
      case "stream" -> StreamNodes.source(node, handles);
      case "table" -> TableNodes.source(node, handles);
      case "globalTable" -> TableNodes.globalSource(node, handles);
      case "cogroup" -> Aggregates.cogroup(node, handles);
      case "windowedBy" -> Aggregates.windowedBy(node, handles.get(node, "from"));
      case "count", "reduce", "aggregate" -> Aggregates.of(node, handles.get(node, "from"), handles.variant);
      case "streamStreamJoin" -> Joins.streams(node, handles);
      case "streamTableJoin" -> Joins.streamWithTable(node, handles);
      case "streamGlobalTableJoin" -> Joins.streamWithGlobalTable(node, handles);
      case "tableTableJoin" -> Joins.tables(node, handles);
      case "foreignKeyJoin" -> Joins.byForeignKey(node, handles);
      case "stateStore" -> nothing(() -> StreamNodes.stateStore(node, handles));
      case "split" -> nothing(() -> StreamNodes.split(node, handles.stream(node, "from"), handles));
      case "to" -> nothing(() -> StreamNodes.sink(node, handles.stream(node, "from")));
      default -> ofOne(node, handles);
    };
  }

  /** What streams and tables spell alike. */
  private static Object ofOne(Node node, Handles handles) {
    boolean isTable = handles.isTable(node, "from");
    boolean isGrouping = !isTable && (node.is("op", "groupBy") || node.is("op", "groupByKey"));
    Object handle = isGrouping
        ? Aggregates.group(node, handles.stream(node, "from"))
        : isTable ? TableNodes.derived(node, handles.table(node, "from")) : StreamNodes.stateless(node, handles.stream(node, "from"), handles);
    if (handle == null) throw new IllegalArgumentException("nothing builds the node " + node.json());
    return handle;
  }

  private static Object nothing(Runnable build) {
    build.run();
    return null;
  }
}
