import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Draws what a phrase names and writes its mask as a PNG file: java Segment IMAGE PHRASE MASK.png */
final class Segment {
    private static final Medplib LIBRARY = Medplib.LIBRARY;

    private Segment() {}

    private static String segment(String image, String phrase, Path file) throws IOException {
        try (Session session = new Session(image)) {
            final PointerByReference answer = new PointerByReference();
            Medplib.check(LIBRARY.medplib_segment(session.pointer(), phrase, null, answer));
            try {
                if (LIBRARY.medplib_answer_mask_count(answer.getValue()) == 0)
                    throw new Medplib.Failure("the model sees no " + phrase);
                final PointerByReference mask = new PointerByReference(); // lent by the answer
                Medplib.check(LIBRARY.medplib_answer_mask(answer.getValue(), 0, mask));
                return write(mask.getValue(), file);
            } finally {
                LIBRARY.medplib_answer_free(answer.getValue());
            }
        }
    }

    private static String write(Pointer mask, Path file) throws IOException {
        final LongByReference area = new LongByReference();
        final PointerByReference png = new PointerByReference();
        Medplib.check(LIBRARY.medplib_mask_area(mask, area));
        Medplib.check(LIBRARY.medplib_mask_png(mask, png));
        try {
            final int size = LIBRARY.medplib_bytes_size(png.getValue()).intValue();
            Files.write(file, LIBRARY.medplib_bytes_data(png.getValue()).getByteArray(0, size));
        } finally {
            LIBRARY.medplib_bytes_free(png.getValue());
        }
        return LIBRARY.medplib_mask_label(mask) + ": " + area.getValue() + " pixels";
    }

    public static void main(String[] arguments) {
        if (arguments.length != 3) {
            System.err.println("usage: java Segment IMAGE PHRASE MASK.png");
            System.exit(2);
        }
        try {
            final String line = segment(arguments[0], arguments[1], Path.of(arguments[2]));
            new PrintStream(System.out, true, StandardCharsets.UTF_8).println(line);
        } catch (Medplib.Failure failure) {
            System.err.println("segment: " + failure.getMessage());
            System.exit(1);
        } catch (IOException error) {
            System.err.println("segment: " + arguments[2] + " cannot be written: " + error.getMessage());
            System.exit(1);
        }
    }
}
