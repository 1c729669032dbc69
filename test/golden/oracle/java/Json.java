// Values as the golden cases write them: null, text, longs, booleans, lists, and objects whose members are in the order of canonical JSON.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.streams.kstream.Windowed;

final class Json {
  static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  static Object valueOf(JsonNode node) {
    if (node == null || node.isNull() || node.isMissingNode()) return null;
    if (node.isTextual()) return node.textValue();
    if (node.isIntegralNumber()) return node.longValue();
    if (node.isBoolean()) return node.booleanValue();
    if (node.isArray()) {
      List<Object> values = new ArrayList<>();
      node.forEach(each -> values.add(valueOf(each)));
      return values;
    }
    TreeMap<String, Object> members = new TreeMap<>();
    node.fieldNames().forEachRemaining(name -> members.put(name, valueOf(node.get(name))));
    return members;
  }

  /** What JSON.stringify makes of it in JavaScript, members sorted by name. */
  static String canonical(Object value) {
    if (value instanceof String text) return quoted(text);
    if (value instanceof Map<?, ?> members) {
      return members.entrySet().stream().map(each -> quoted((String) each.getKey()) + ":" + canonical(each.getValue())).collect(Collectors.joining(",", "{", "}"));
    }
    if (value instanceof List<?> values) return values.stream().map(Json::canonical).collect(Collectors.joining(",", "[", "]"));
    return String.valueOf(value);
  }

  /** The text of a value, as many functions of the cases take it. */
  static String text(Object value) {
    if (value == null) return "null";
    if (value instanceof String text) return text;
    if (value instanceof Windowed<?> windowed) return text(windowed.key()) + "@" + windowed.window().start() + "-" + windowed.window().end();
    return canonical(value);
  }

  static boolean areEqual(Object one, Object other) {
    return canonical(one).equals(canonical(other));
  }

  static JsonNode nodeOf(Object value) {
    try {
      return MAPPER.readTree(canonical(value));
    } catch (java.io.IOException error) {
      throw new IllegalStateException(error);
    }
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char unit : text.toCharArray()) {
      switch (unit) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        case '\b' -> quoted.append("\\b");
        case '\f' -> quoted.append("\\f");
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        default -> quoted.append(unit < ' ' ? String.format("\\u%04x", (int) unit) : String.valueOf(unit));
      }
    }
    return quoted.append('"').toString();
  }
}
