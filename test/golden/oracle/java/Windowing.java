// A `windowedBy` node: a group, or several, cut into windows.

import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.kstream.CogroupedKStream;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.SessionWindowedCogroupedKStream;
import org.apache.kafka.streams.kstream.SessionWindowedKStream;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.TimeWindowedCogroupedKStream;
import org.apache.kafka.streams.kstream.TimeWindowedKStream;
import org.apache.kafka.streams.kstream.TimeWindows;

/** Exactly one of the four is there. */
record Windowing(
    Node windows,
    Group group,
    TimeWindowedKStream<Object, Object> time,
    SessionWindowedKStream<Object, Object> session,
    TimeWindowedCogroupedKStream<Object, Object> timeCogroup,
    SessionWindowedCogroupedKStream<Object, Object> sessionCogroup) {

  /** A group of a stream, and the node that says with which serdes. */
  record Group(KGroupedStream<Object, Object> grouped, Node node) {
    Serde<Object> key() {
      return node.serde("keySerde");
    }

    Serde<Object> value() {
      return node.serde("valueSerde");
    }
  }

  static Windowing of(Node node, Group group) {
    Node windows = node.child("windows");
    KGroupedStream<Object, Object> grouped = group.grouped();
    boolean onClose = node.is("emit", "onWindowClose");
    if (windows.is("type", "session")) {
      SessionWindowedKStream<Object, Object> cut = grouped.windowedBy(sessions(windows));
      return new Windowing(windows, group, null, onClose ? cut.emitStrategy(EmitStrategy.onWindowClose()) : cut, null, null);
    }
    TimeWindowedKStream<Object, Object> cut = windows.is("type", "sliding") ? grouped.windowedBy(sliding(windows)) : grouped.windowedBy(times(windows));
    return new Windowing(windows, group, onClose ? cut.emitStrategy(EmitStrategy.onWindowClose()) : cut, null, null, null);
  }

  static Windowing of(Node node, CogroupedKStream<Object, Object> cogrouped) {
    Node windows = node.child("windows");
    if (windows.is("type", "session")) return new Windowing(windows, null, null, null, null, cogrouped.windowedBy(sessions(windows)));
    return new Windowing(windows, null, null, null, windows.is("type", "sliding") ? cogrouped.windowedBy(sliding(windows)) : cogrouped.windowedBy(times(windows)), null);
  }

  /** How long Kafka Streams keeps entries if nobody says otherwise. */
  long retentionMs() {
    long grace = windows.number("graceMs");
    return switch (windows.text("type")) {
      case "session" -> windows.number("gapMs") + grace;
      case "sliding" -> 2 * windows.number("differenceMs") + grace;
      default -> windows.number("sizeMs") + grace;
    };
  }

  private static TimeWindows times(Node windows) {
    TimeWindows tumbling = TimeWindows.ofSizeAndGrace(windows.duration("sizeMs"), windows.duration("graceMs"));
    return windows.is("type", "hopping") ? tumbling.advanceBy(windows.duration("advanceMs")) : tumbling;
  }

  private static SlidingWindows sliding(Node windows) {
    return SlidingWindows.ofTimeDifferenceAndGrace(windows.duration("differenceMs"), windows.duration("graceMs"));
  }

  private static SessionWindows sessions(Node windows) {
    return SessionWindows.ofInactivityGapAndGrace(windows.duration("gapMs"), windows.duration("graceMs"));
  }
}
