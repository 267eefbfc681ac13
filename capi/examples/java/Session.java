import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

/** The embedded model in a session on one image; it belongs to one thread. */
final class Session implements AutoCloseable {
    private static final Medplib LIBRARY = Medplib.LIBRARY;
    private final Pointer session;

    Session(String image) {
        final Pointer model = embeddedModel();
        final PointerByReference created = new PointerByReference();
        try {
            Medplib.check(LIBRARY.medplib_session_create(model, null, created));
        } finally {
            LIBRARY.medplib_model_free(model); // the session keeps what it needs
        }
        session = created.getValue();
        try {
            show(image);
        } catch (Medplib.Failure failure) {
            close();
            throw failure;
        }
    }

    Pointer pointer() {
        return session;
    }

    @Override
    public void close() {
        LIBRARY.medplib_session_free(session);
    }

    private static Pointer embeddedModel() {
        final byte[] folder = new byte[4096];
        final PointerByReference model = new PointerByReference();
        Medplib.check(LIBRARY.medplib_embedded_model(folder, new Medplib.Size(folder.length), null));
        Medplib.check(LIBRARY.medplib_model_load(Native.toString(folder, "UTF-8"), null, model));
        return model.getValue();
    }

    private void show(String path) {
        final PointerByReference image = new PointerByReference();
        Medplib.check(LIBRARY.medplib_image_read(path, null, image));
        try {
            Medplib.check(LIBRARY.medplib_session_set_image(session, image.getValue()));
        } finally {
            LIBRARY.medplib_image_free(image.getValue());
        }
    }
}
