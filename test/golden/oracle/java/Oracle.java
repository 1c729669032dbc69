// Asks the real Kafka Streams what comes of golden cases: reads them, one in each line of a file, and writes for each what to expect, one in each line.
//
// Arguments: the file of cases and the file to write. A case with a member `beSure` is run in several ways that ought to make no difference; where one does, the
// answer has a member `unsure`, with the name of that way, in place of `expect`.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;

public final class Oracle {
  private Oracle() {}

  public static void main(String[] arguments) throws Exception {
    Shortcut.install();
    Path stateDir = Files.createTempDirectory("millrace-oracle-");
    try (BufferedWriter out = Files.newBufferedWriter(Path.of(arguments[1]))) {
      for (String line : Files.readAllLines(Path.of(arguments[0]))) {
        JsonNode golden = Json.MAPPER.readTree(line);
        out.write(Json.MAPPER.writeValueAsString(answer(new Node(golden), stateDir.toString())));
        out.newLine();
      }
    }
    Files.deleteIfExists(stateDir);
    // Kafka Streams leaves threads behind.
    System.exit(0);
  }

  private static ObjectNode answer(Node golden, String stateDir) {
    ObjectNode answer = Json.MAPPER.createObjectNode().put("name", golden.text("name"));
    ObjectNode expectation = CaseRun.expectationOf(golden, Variant.REFERENCE, stateDir);
    if (golden.flag("beSure")) {
      for (Variant variant : Variant.OTHERS) {
        if (!shows(CaseRun.expectationOf(golden, variant, stateDir)).equals(shows(expectation))) return answer.put("unsure", variant.name());
      }
    }
    answer.set("expect", expectation);
    return answer;
  }

  /** Stores' contents may differ with what they keep longer. */
  private static JsonNode shows(ObjectNode expectation) {
    return expectation.deepCopy().retain("outputs", "error");
  }
}
