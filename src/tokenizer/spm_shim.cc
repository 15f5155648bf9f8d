/* SentencePiece behind a C interface: see spm_shim.h. Every entry catches all exceptions, and only calls that
 * answer with a Status or cannot fail are made: LoadOrDie, CHECK and their like end the process. */
#include "tokenizer/spm_shim.h"

#include <sentencepiece_processor.h>

#include <new>

struct ink__spm {
    sentencepiece::SentencePieceProcessor processor;
};

namespace
{

ink_status refused(const char *where, const char *message, ink_error *err)
{
    return ink_fail(err, INK_E_FORMAT, "%s: SentencePiece refuses the model: %s", where, message);
}

/* What the exception in flight means for the caller. */
ink_status caught(const char *where, ink_error *err)
{
    try {
        throw;
    } catch (const std::bad_alloc &) {
        return ink_fail(err, INK_E_MEMORY, "%s: no memory for SentencePiece", where);
    } catch (const std::exception &e) {
        return refused(where, e.what(), err);
    } catch (...) {
        return refused(where, "an exception of its own kind", err);
    }
}

} // namespace

extern "C" ink_status ink__spm_load(ink__spm **spm, const void *bytes, size_t len, const char *where,
                                    ink_error *err)
{
    ink__spm *made = nullptr;
    ink_status st = INK_OK;
    *spm = nullptr;
    try {
        made = new ink__spm;
        const auto status = made->processor.LoadFromSerializedProto({static_cast<const char *>(bytes), len});
        if (!status.ok())
            st = refused(where, status.error_message(), err);
    } catch (...) {
        st = caught(where, err);
    }
    if (st == INK_OK)
        *spm = made;
    else
        ink__spm_free(made);
    return st;
}

extern "C" void ink__spm_free(ink__spm *spm)
{
    delete spm;
}

extern "C" size_t ink__spm_size(const ink__spm *spm)
{
    return static_cast<size_t>(spm->processor.GetPieceSize());
}

extern "C" const char *ink__spm_piece_text(const ink__spm *spm, size_t id)
{
    return spm->processor.IdToPiece(static_cast<int>(id)).c_str();
}

extern "C" ink_status ink__spm_encode(ink__spm_put *put, void *context, const ink__spm *spm, const char *text,
                                      size_t len, ink_error *err)
{
    try {
        sentencepiece::ImmutableSentencePieceText out;
        const auto status = spm->processor.Encode({text, len}, out.mutable_proto());
        if (!status.ok())
            return ink_fail(err, INK_E_FORMAT, "SentencePiece cannot encode %zu bytes: %s", len,
                            status.error_message());
        const size_t n = out.pieces_size();
        for (size_t i = 0; i < n; ++i) {
            const auto piece = out.pieces(static_cast<int>(i));
            INK_TRY(put(context, static_cast<int32_t>(piece.id()), piece.begin(), piece.end(), err));
        }
        return INK_OK;
    } catch (...) {
        return caught("encoding", err);
    }
}
