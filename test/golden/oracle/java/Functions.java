// The functions that cases name, section 5 of their format: all pure. k is the key, v the value.

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.streams.KeyValue;

final class Functions {
  interface Predicate {
    boolean test(Object k, Object v);
  }

  /** Of mappers (k, v) and of reducers (a, b). */
  interface Two {
    Object apply(Object one, Object two);
  }

  /** Of aggregators (k, v, agg), mergers (k, one, two) and joiners (k, left, right). */
  interface Three {
    Object apply(Object k, Object one, Object two);
  }

  private Functions() {}

  static Predicate predicate(Node ref) {
    Object wanted = ref.value("value");
    String part = ref.text("text");
    String field = ref.text("field");
    long n = ref.number("n");
    return switch (ref.text("fn")) {
      case "always" -> (k, v) -> true;
      case "never" -> (k, v) -> false;
      case "valueIsNull" -> (k, v) -> v == null;
      case "valueIs" -> (k, v) -> v != null && Json.areEqual(v, wanted);
      case "valueContains" -> (k, v) -> v != null && Json.text(v).contains(part);
      case "longAtLeast" -> (k, v) -> v != null && (Long) v >= n;
      case "longIsEven" -> (k, v) -> v != null && (Long) v % 2 == 0;
      case "keyIs" -> (k, v) -> ref.text("key") == null ? k == null : k != null && Json.text(k).equals(ref.text("key"));
      case "keyStartsWith" -> (k, v) -> k != null && Json.text(k).startsWith(part);
      case "fieldIs" -> (k, v) -> field(v, field) != null && Json.areEqual(field(v, field), wanted);
      case "fieldAtLeast" -> (k, v) -> field(v, field) instanceof Long found && found >= n;
      default -> throw unknown("predicate", ref);
    };
  }

  static Two mapper(Node ref) {
    Object given = ref.value("value");
    String field = ref.text("field");
    long n = ref.number("n");
    return switch (ref.text("fn")) {
      case "key" -> (k, v) -> k;
      case "value" -> (k, v) -> v;
      case "fixed" -> (k, v) -> given;
      case "textOfKey" -> (k, v) -> k == null ? null : Json.text(k);
      case "textOfValue" -> (k, v) -> v == null ? null : Json.text(v);
      case "innerKey" -> (k, v) -> k == null ? null : ((org.apache.kafka.streams.kstream.Windowed<?>) k).key();
      case "keyPrefix" -> (k, v) -> k == null ? null : prefix(Json.text(k), n);
      case "valuePrefix" -> (k, v) -> v == null ? null : prefix(Json.text(v), n);
      case "keyAndValue" -> (k, v) -> Json.text(k) + ref.text("separator") + Json.text(v);
      case "field" -> (k, v) -> field(v, field);
      case "fieldText" -> (k, v) -> field(v, field) == null ? null : Json.text(field(v, field));
      case "upper" -> (k, v) -> v == null ? null : upper(Json.text(v));
      case "append" -> (k, v) -> v == null ? null : Json.text(v) + ref.text("text");
      case "length" -> (k, v) -> v == null ? null : (Object) (long) Json.text(v).length();
      case "toLong" -> (k, v) -> v == null ? null : (Object) Long.parseLong((String) v);
      case "plus" -> (k, v) -> v == null ? null : (Object) ((Long) v + n);
      case "times" -> (k, v) -> v == null ? null : (Object) ((Long) v * n);
      case "nullIf" -> (k, v) -> Json.areEqual(v, given) ? null : v;
      case "orElse" -> (k, v) -> v == null ? given : v;
      case "wrap" -> (k, v) -> v == null ? null : with(null, field, v);
      case "withField" -> (k, v) -> v == null ? null : with(v, field, given);
      default -> throw unknown("mapper", ref);
    };
  }

  static Two values(Node ref) {
    return switch (ref.text("fn")) {
      case "splitWords" -> (k, v) -> words(v);
      case "repeat" -> (k, v) -> {
        List<Object> list = new ArrayList<>();
        for (long time = 0; time < ref.number("times"); time++) list.add(v);
        return list;
      };
      case "countDown" -> (k, v) -> {
        List<Object> list = new ArrayList<>();
        if (v != null) for (long at = (Long) v; at >= 1; at--) list.add(at);
        return list;
      };
      default -> throw unknown("list of values", ref);
    };
  }

  static List<KeyValue<Object, Object>> pairs(Node ref, Object k, Object v) {
    List<KeyValue<Object, Object>> pairs = new ArrayList<>();
    switch (ref.text("fn")) {
      case "wordsAsKeys" -> words(v).forEach(word -> pairs.add(KeyValue.pair(word, v)));
      case "bothWays" -> {
        pairs.add(KeyValue.pair(k, v));
        pairs.add(KeyValue.pair(v == null ? null : Json.text(v), k == null ? null : Json.text(k)));
      }
      case "toKeys" -> ref.texts("keys").forEach(key -> pairs.add(KeyValue.pair(key, v)));
      default -> throw unknown("list of pairs", ref);
    }
    return pairs;
  }

  static Two reducer(Node ref) {
    return switch (ref.text("fn")) {
      case "sum" -> (a, b) -> number(a) + number(b);
      case "minus" -> (a, b) -> number(a) - number(b);
      case "max" -> (a, b) -> Math.max(number(a), number(b));
      case "min" -> (a, b) -> Math.min(number(a), number(b));
      case "concat" -> (a, b) -> Json.text(a) + ref.text("separator") + Json.text(b);
      case "first" -> (a, b) -> a;
      case "last" -> (a, b) -> b;
      case "concatUnless" -> (a, b) -> Json.areEqual(b, ref.value("value")) ? null : Json.text(a) + "," + Json.text(b);
      default -> throw unknown("reducer", ref);
    };
  }

  static Three aggregator(Node ref) {
    String field = ref.text("field");
    String before = ref.text("before");
    return switch (ref.text("fn")) {
      case "countUp" -> (k, v, agg) -> number(agg) + 1;
      case "countDown" -> (k, v, agg) -> number(agg) - 1;
      case "add" -> (k, v, agg) -> number(agg) + number(v);
      case "subtract" -> (k, v, agg) -> number(agg) - number(v);
      case "max" -> (k, v, agg) -> Math.max(number(agg), number(v));
      case "addField" -> (k, v, agg) -> number(agg) + number(field(v, field));
      case "subtractField" -> (k, v, agg) -> number(agg) - number(field(v, field));
      case "appendText" -> (k, v, agg) -> Json.text(agg) + before + Json.text(v);
      case "appendUnless" -> (k, v, agg) -> v != null && Json.areEqual(v, ref.value("value")) ? null : Json.text(agg) + before + Json.text(v);
      case "setField" -> (k, v, agg) -> with(agg, field, v);
      case "countField" -> (k, v, agg) -> with(agg, field, number(field(agg, field)) + 1);
      default -> throw unknown("aggregator", ref);
    };
  }

  static Three merger(Node ref) {
    return switch (ref.text("fn")) {
      case "sum" -> (k, one, two) -> number(one) + number(two);
      case "max" -> (k, one, two) -> Math.max(number(one), number(two));
      case "mergeText" -> (k, one, two) -> {
        String left = one == null ? "" : Json.text(one);
        String right = two == null ? "" : Json.text(two);
        return left.isEmpty() ? right : right.isEmpty() ? left : left + ref.text("separator") + right;
      };
      case "mergeFields" -> (k, one, two) -> {
        Map<String, Object> members = members(one);
        members.putAll(members(two));
        return members;
      };
      default -> throw unknown("merger", ref);
    };
  }

  static Three joiner(Node ref) {
    return switch (ref.text("fn")) {
      case "pairText" -> (k, left, right) -> pair(left, right);
      case "keyedPairText" -> (k, left, right) -> Json.text(k) + ":" + pair(left, right);
      case "pairJson" -> (k, left, right) -> with(with(null, "left", left), "right", right);
      case "sum" -> (k, left, right) -> number(left) + number(right);
      case "left" -> (k, left, right) -> left;
      case "right" -> (k, left, right) -> right;
      case "nullIfSame" -> (k, left, right) -> Json.areEqual(left, right) ? null : pair(left, right);
      default -> throw unknown("joiner", ref);
    };
  }

  /** Null counts as 0. */
  static long number(Object value) {
    return value == null ? 0 : (Long) value;
  }

  static Object field(Object value, String name) {
    return value instanceof Map<?, ?> members ? members.get(name) : null;
  }

  private static Map<String, Object> members(Object value) {
    Map<String, Object> members = new TreeMap<>();
    if (value instanceof Map<?, ?> given) given.forEach((name, each) -> members.put((String) name, each));
    return members;
  }

  private static Object with(Object value, String name, Object member) {
    Map<String, Object> members = members(value);
    members.put(name, member);
    return members;
  }

  private static String pair(Object left, Object right) {
    return Json.text(left) + "|" + Json.text(right);
  }

  private static List<Object> words(Object value) {
    List<Object> words = new ArrayList<>();
    if (value != null) for (String word : Json.text(value).split(" ")) if (!word.isEmpty()) words.add(word);
    return words;
  }

  private static String prefix(String text, long units) {
    return text.length() <= units ? text : text.substring(0, (int) units);
  }

  /** a to z only. */
  private static String upper(String text) {
    StringBuilder upper = new StringBuilder();
    for (char unit : text.toCharArray()) upper.append(unit >= 'a' && unit <= 'z' ? (char) (unit - 'a' + 'A') : unit);
    return upper.toString();
  }

  private static IllegalArgumentException unknown(String kind, Node ref) {
    return new IllegalArgumentException("no " + kind + " is called " + ref.text("fn"));
  }
}
