// One run of a case through Kafka Streams' TopologyTestDriver, step by step.

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.errors.LogAndFailProcessingExceptionHandler;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.test.TestRecord;

final class CaseRun {
  private final Node golden;
  private final List<Node> nodes;
  private final TreeMap<String, ArrayNode> outputs = new TreeMap<>();
  private final Map<String, TestInputTopic<Object, Object>> inputs = new HashMap<>();
  private TopologyTestDriver driver;

  private CaseRun(Node golden) {
    this.golden = golden;
    this.nodes = golden.child("topology").children("nodes");
  }

  /** The member `expect` of the case. Why a step or the building failed is beside it, as `because`. */
  static ObjectNode expectationOf(Node golden, Variant variant, String stateDir) {
    Shortcut.turn(variant.isPatient());
    CaseRun run = new CaseRun(golden);
    try {
      run.driver = new TopologyTestDriver(CaseTopology.of(golden, variant), run.settings(variant, stateDir), Instant.ofEpochMilli(run.setting("wallClockStartMs")));
    } catch (RuntimeException error) {
      ObjectNode expectation = Json.MAPPER.createObjectNode();
      expectation.putObject("error").put("at", "build");
      return expectation.put("because", String.valueOf(error));
    }
    try (TopologyTestDriver driver = run.driver) {
      if (variant.ties() != null) Ties.breakAs(variant.ties(), driver);
      return run.play();
    }
  }

  private long setting(String name) {
    return golden.has("settings") ? golden.child("settings").number(name) : 0;
  }

  private Properties settings(Variant variant, String stateDir) {
    Properties settings = new Properties();
    settings.put("application.id", "golden");
    settings.put("bootstrap.servers", "none:1");
    settings.put("state.dir", stateDir);
    settings.put("statestore.cache.max.bytes", "0");
    settings.put("processing.exception.handler", LogAndFailProcessingExceptionHandler.class.getName());
    settings.put("__emit.interval.ms.kstreams.windowed.aggregation__", setting("emitIntervalMs"));
    settings.put("__emit.interval.ms.kstreams.outer.join.spurious.results.fix__", setting("emitIntervalMs"));
    if (variant.inMemory()) settings.put("dsl.store.suppliers.class", BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class.getName());
    return settings;
  }

  private ObjectNode play() {
    for (Node node : nodes) if (node.is("op", "to") && node.has("topic")) outputs.put(node.text("topic"), Json.MAPPER.createArrayNode());
    ObjectNode expectation = Json.MAPPER.createObjectNode();
    List<Node> steps = golden.children("steps");
    for (int step = 0; step < steps.size(); step++) {
      try {
        perform(steps.get(step));
      } catch (RuntimeException error) {
        expectation.set("outputs", Json.MAPPER.valueToTree(outputs));
        expectation.putObject("error").put("at", "step").put("step", step);
        return expectation.put("because", String.valueOf(error.getCause() == null ? error : error.getCause()));
      }
      collect(step);
    }
    expectation.set("outputs", Json.MAPPER.valueToTree(outputs));
    expectation.set("stores", new StoreReads(driver, golden).all());
    return expectation.put("dropped", dropped());
  }

  private void perform(Node step) {
    if (step.has("advanceWallClockMs")) {
      driver.advanceWallClockTime(step.duration("advanceWallClockMs"));
      return;
    }
    Node record = step.child("pipe");
    Headers headers = new RecordHeaders();
    record.json().path("headers").forEach(each -> headers.add(each.get(0).asText(), each.get(1).isNull() ? null : each.get(1).asText().getBytes(StandardCharsets.UTF_8)));
    input(record.text("topic")).pipeInput(new TestRecord<>(record.value("key"), record.value("value"), headers, record.number("timestamp")));
  }

  private TestInputTopic<Object, Object> input(String topic) {
    return inputs.computeIfAbsent(topic, name -> {
      Node source = nodes.stream().filter(node -> !node.is("op", "to") && (node.is("topic", name) || node.texts("topics").contains(name))).findFirst().orElseThrow();
      return driver.createInputTopic(name, source.serde("keySerde").serializer(), source.serde("valueSerde").serializer());
    });
  }

  private void collect(int step) {
    Set<String> topics = new TreeSet<>(outputs.keySet());
    Node chooser = nodes.stream().filter(node -> node.has("topicFrom")).findFirst().orElse(null);
    if (chooser != null) driver.producedTopicNames().stream().filter(name -> name.startsWith(chooser.child("topicFrom").text("prefix"))).forEach(topics::add);
    for (String topic : topics) {
      Node sink = nodes.stream().filter(node -> node.is("op", "to") && node.is("topic", topic)).findFirst().orElse(chooser);
      for (TestRecord<Object, Object> record : driver.createOutputTopic(topic, sink.serde("keySerde").deserializer(), sink.serde("valueSerde").deserializer()).readRecordsToList()) {
        outputs.computeIfAbsent(topic, name -> Json.MAPPER.createArrayNode()).add(lineOf(step, record));
      }
    }
  }

  private static ObjectNode lineOf(int step, TestRecord<Object, Object> record) {
    ObjectNode line = Json.MAPPER.createObjectNode().put("step", step);
    line.set("key", Json.nodeOf(record.key()));
    line.set("value", Json.nodeOf(record.value()));
    line.put("timestamp", record.timestamp());
    if (record.headers().toArray().length == 0) return line;
    ArrayNode headers = line.putArray("headers");
    for (Header header : record.headers()) headers.addArray().add(header.key()).add(header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8));
    return line;
  }

  private long dropped() {
    return driver.metrics().values().stream()
        .filter(metric -> metric.metricName().name().equals("dropped-records-total"))
        .mapToLong(metric -> ((Number) metric.metricValue()).longValue())
        .sum();
  }
}
