import com.sun.jna.ptr.PointerByReference;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Asks about an image: java Ask IMAGE QUESTION */
final class Ask {
    private static final Medplib LIBRARY = Medplib.LIBRARY;

    private Ask() {}

    private static String ask(String image, String question) {
        try (Session session = new Session(image)) {
            final PointerByReference answer = new PointerByReference();
            Medplib.check(LIBRARY.medplib_ask(session.pointer(), question, null, answer));
            try {
                return LIBRARY.medplib_answer_text(answer.getValue());
            } finally {
                LIBRARY.medplib_answer_free(answer.getValue());
            }
        }
    }

    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            System.err.println("usage: java Ask IMAGE QUESTION");
            System.exit(2);
        }
        try {
            new PrintStream(System.out, true, StandardCharsets.UTF_8).println(ask(arguments[0], arguments[1]));
        } catch (Medplib.Failure failure) {
            System.err.println("ask: " + failure.getMessage());
            System.exit(1);
        }
    }
}
