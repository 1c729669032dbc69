// In which order a task asks its topics when their first records have one and the same timestamp. Kafka Streams does not say, so no case may hang on it.

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Comparator;
import java.util.PriorityQueue;
import org.apache.kafka.streams.TopologyTestDriver;

final class Ties {
  private Ties() {}

  /** `order`: ascending or descending by the topics' names; any other word mixes them, each in its own way. */
  static void breakAs(String order, TopologyTestDriver driver) {
    try {
      Object task = fieldOf(driver, "task").get(driver);
      if (task == null) return; // a topology of global tables only
      Object group = fieldOf(task, "partitionGroup").get(task);
      Field field = fieldOf(group, "nonEmptyQueuesByTime");
      PriorityQueue<Object> queues = new PriorityQueue<>(byTimeThen(order));
      queues.addAll((PriorityQueue<?>) field.get(group));
      field.set(group, queues);
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException("Kafka Streams is built otherwise than this release knows", error);
    }
  }

  private static Comparator<Object> byTimeThen(String order) throws ReflectiveOperationException {
    Class<?> queue = Class.forName("org.apache.kafka.streams.processor.internals.RecordQueue");
    Method time = queue.getDeclaredMethod("headRecordTimestamp");
    Method partition = queue.getDeclaredMethod("partition");
    time.setAccessible(true);
    partition.setAccessible(true);
    Comparator<Object> byTime = Comparator.comparingLong(each -> (Long) call(time, each));
    Comparator<String> byName = switch (order) {
      case "ascending" -> Comparator.naturalOrder();
      case "descending" -> Comparator.reverseOrder();
      default -> Comparator.comparingInt(name -> (order + name + order).hashCode() * 0x9E3779B1 >>> 7);
    };
    return byTime.thenComparing(each -> call(partition, each).toString(), byName);
  }

  private static Object call(Method method, Object on) {
    try {
      return method.invoke(on);
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException(error);
    }
  }

  private static Field fieldOf(Object object, String name) throws NoSuchFieldException {
    for (Class<?> type = object.getClass(); type != null; type = type.getSuperclass()) {
      try {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return field;
      } catch (NoSuchFieldException inherited) {
        continue;
      }
    }
    throw new NoSuchFieldException(name);
  }
}
