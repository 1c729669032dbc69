// A left or outer join of two streams remembers too high a time for the records that wait, and then skips looks that would have found some whose time is over.
// With the shortcut off it always looks; a case in which that makes a difference says nothing about what is right.

import java.lang.invoke.MethodHandles;
import javassist.CannotCompileException;
import javassist.ClassPool;
import javassist.CtClass;
import javassist.expr.ExprEditor;
import javassist.expr.FieldAccess;
import org.apache.kafka.streams.kstream.internals.KStreamImpl;

final class Shortcut {
  private static final String PROPERTY = "oracle.shortcut.off";
  private static final String JOIN = "org.apache.kafka.streams.kstream.internals.KStreamKStreamJoin$KStreamKStreamJoinProcessor";

  private Shortcut() {}

  static void turn(boolean off) {
    System.setProperty(PROPERTY, String.valueOf(off));
  }

  /** Once, before any join is built: the class must not have been loaded. */
  static void install() throws Exception {
    CtClass join = ClassPool.getDefault().get(JOIN);
    int[] edits = {0};
    join.instrument(new ExprEditor() {
      @Override
      public void edit(FieldAccess access) throws CannotCompileException {
        if (!access.isReader() || !access.getFieldName().equals("minTime") || !access.where().getMethodInfo().getName().equals("emitNonJoinedOuterRecords")) return;
        edits[0]++;
        access.replace("$_ = Boolean.getBoolean(\"" + PROPERTY + "\") ? Long.MIN_VALUE / 2 : $proceed($$);");
      }
    });
    if (edits[0] == 0) throw new IllegalStateException("Kafka Streams' joins are built otherwise than this release knows: " + JOIN);
    join.toClass(MethodHandles.privateLookupIn(KStreamImpl.class, MethodHandles.lookup()));
  }
}
