// A JSON object of a case, a node of its topology above all, read by the names of its members.

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Serde;

record Node(JsonNode json) {
  boolean has(String member) {
    return json.has(member);
  }

  /** Null where it is missing. */
  String text(String member) {
    return json.path(member).textValue();
  }

  boolean is(String member, String text) {
    return text.equals(text(member));
  }

  long number(String member) {
    return json.path(member).asLong();
  }

  Duration duration(String member) {
    return Duration.ofMillis(number(member));
  }

  boolean flag(String member) {
    return json.path(member).asBoolean();
  }

  Object value(String member) {
    return Json.valueOf(json.get(member));
  }

  /** Null where it is missing. */
  Node child(String member) {
    return has(member) ? new Node(json.get(member)) : null;
  }

  List<Node> children(String member) {
    List<Node> children = new ArrayList<>();
    json.path(member).forEach(each -> children.add(new Node(each)));
    return children;
  }

  List<String> texts(String member) {
    List<String> texts = new ArrayList<>();
    json.path(member).forEach(each -> texts.add(each.textValue()));
    return texts;
  }

  /** Null where it is missing. */
  Serde<Object> serde(String member) {
    return has(member) ? CaseSerdes.named(text(member)) : null;
  }
}
