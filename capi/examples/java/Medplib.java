import com.sun.jna.IntegerType;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.Map;

/** The part of medplib.h that the examples need; what each function does and when it fails stands there. */
interface Medplib extends Library {
    /** Text is UTF-8 in both directions. */
    Medplib LIBRARY =
            Native.load("medplib", Medplib.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));

    /** A size_t. */
    final class Size extends IntegerType {
        private static final long serialVersionUID = 1;

        public Size() {
            this(0);
        }

        Size(long value) {
            super(Native.SIZE_T_SIZE, value, true);
        }
    }

    /** The library's sentence about what went wrong. */
    final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1;

        Failure(String sentence) {
            super(sentence);
        }
    }

    /** Throws if a call did not go well. */
    static void check(int status) {
        if (status != 0) throw new Failure(LIBRARY.medplib_last_error());
    }

    String medplib_last_error();

    int medplib_embedded_model(byte[] buffer, Size capacity, Pointer needed);

    int medplib_model_load(String folder, Pointer options, PointerByReference model);

    void medplib_model_free(Pointer model);

    int medplib_image_read(String path, Pointer options, PointerByReference image);

    void medplib_image_free(Pointer image);

    int medplib_session_create(Pointer model, Pointer options, PointerByReference session);

    int medplib_session_set_image(Pointer session, Pointer image);

    void medplib_session_free(Pointer session);

    int medplib_ask(Pointer session, String question, Pointer options, PointerByReference answer);

    int medplib_segment(Pointer session, String phrase, Pointer options, PointerByReference answer);

    String medplib_answer_text(Pointer answer);

    int medplib_answer_mask_count(Pointer answer);

    int medplib_answer_mask(Pointer answer, int index, PointerByReference mask);

    void medplib_answer_free(Pointer answer);

    String medplib_mask_label(Pointer mask);

    int medplib_mask_area(Pointer mask, LongByReference area);

    int medplib_mask_png(Pointer mask, PointerByReference png);

    Pointer medplib_bytes_data(Pointer bytes);

    Size medplib_bytes_size(Pointer bytes);

    void medplib_bytes_free(Pointer bytes);
}
