// A way to run a case that ought to make no difference. Where it does, the case shows an accident of a store or a mistake of Kafka Streams, and says nothing
// about what is right.

/**
 * inMemory: other stores. ties: in which order topics are asked when their first records have one timestamp; null: as Kafka Streams has it. isPatient: windows
 * and joins keep their entries longer than they need, and left and outer joins always look whether a record's wait is over.
 */
record Variant(String name, boolean inMemory, String ties, boolean isPatient) {
  /** What cases say is how this one runs. */
  static final Variant REFERENCE = new Variant("as it is", false, null, false);

  static final Variant[] OTHERS = {
    new Variant("in memory, ties reversed", true, "descending", false),
    new Variant("in memory, ties mixed", true, "one", false),
    new Variant("in memory, ties mixed again", true, "two", false),
    new Variant("in memory, ties mixed once more", true, "three", false),
    new Variant("patient", true, "ascending", true),
  };
}
