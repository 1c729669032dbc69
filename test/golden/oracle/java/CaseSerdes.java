// The serdes that cases name.

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.Windowed;

final class CaseSerdes {
  private static final Serde<Object> JSON = Serdes.serdeFrom(
      (topic, value) -> value == null ? null : Json.canonical(value).getBytes(StandardCharsets.UTF_8),
      (topic, bytes) -> bytes == null ? null : Json.valueOf(parsed(bytes)));

  /** Only for results: they are read back as the JSON that a case shows. */
  private static final Serde<Object> WINDOWED = Serdes.serdeFrom(
      (topic, key) -> key == null ? null : shown((Windowed<?>) key).getBytes(StandardCharsets.UTF_8),
      (topic, bytes) -> bytes == null ? null : Json.valueOf(parsed(bytes)));

  private CaseSerdes() {}

  @SuppressWarnings("unchecked")
  static Serde<Object> named(String name) {
    return switch (name) {
      case "string" -> (Serde<Object>) (Serde<?>) Serdes.String();
      case "long" -> (Serde<Object>) (Serde<?>) Serdes.Long();
      case "json" -> JSON;
      case "windowed" -> WINDOWED;
      default -> throw new IllegalArgumentException("no serde is called " + name);
    };
  }

  private static String shown(Windowed<?> key) {
    return "{\"key\":" + Json.canonical(key.key()) + ",\"window\":[" + key.window().start() + "," + key.window().end() + "]}";
  }

  private static JsonNode parsed(byte[] bytes) {
    try {
      return Json.MAPPER.readTree(bytes);
    } catch (IOException error) {
      throw new IllegalArgumentException(error);
    }
  }
}
