/* SentencePiece behind a C interface: see spm_shim.h. Every entry catches all exceptions, and only calls that
 * answer with a Status or cannot fail are made: LoadOrDie, CHECK and their like end the process. */
#include "tokenizer/spm_shim.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <unordered_map>

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

/* The caller's sentences as SentencePiece asks for them. */
class Sentences : public sentencepiece::SentenceIterator
{
  public:
    Sentences(ink__spm_sentence *next, void *context) : next_(next), context_(context)
    {
        Next();
    }
    bool done() const override
    {
        return done_;
    }
    void Next() override
    {
        const char *text = "";
        size_t len = 0;
        done_ = !next_(context_, &text, &len);
        value_.assign(text, done_ ? 0 : len);
    }
    const std::string &value() const override
    {
        return value_;
    }
    sentencepiece::util::Status status() const override
    {
        return {};
    }

  private:
    ink__spm_sentence *next_;
    void *context_;
    bool done_ = false;
    std::string value_;
};

/* 0 to 1 with six digits, whatever the locale. */
std::string fraction(double value)
{
    const long millionths = static_cast<long>(value * 1e6 + 0.5);
    std::string digits = std::to_string(millionths % 1000000);
    return std::to_string(millionths / 1000000) + "." + std::string(6 - digits.size(), '0') + digits;
}

/* Normalised as SentencePiece does where nothing else is asked for: NFKC, white space as spaces, nmt's
 * clearing of control characters; with lowercase, Unicode's case folding as well. A fixed number of threads,
 * because a sum's bits depend on it. */
std::unordered_map<std::string, std::string> settings(const ink__spm_training &t)
{
    return {
        {"minloglevel", "3"}, /* nothing but what ends the process */
        {"model_type", t.type},
        {"vocab_size", std::to_string(t.vocab_size)},
        {"hard_vocab_limit", "false"},
        {"character_coverage", fraction(t.character_coverage)},
        {"byte_fallback", t.byte_fallback ? "true" : "false"},
        {"normalization_rule_name", t.lowercase ? "nmt_nfkc_cf" : "nmt_nfkc"},
        {"num_threads", "4"},
        {"pad_id", "0"},
        {"unk_id", "1"},
        {"bos_id", "-1"},
        {"eos_id", "-1"},
        {"pad_piece", "[PAD]"},
        {"unk_piece", "[UNK]"},
        {"control_symbols", "[CLS],[SEP],[MASK]"},
    };
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

extern "C" ink_status ink__spm_train(char **bytes, size_t *len, const ink__spm_training *training,
                                     ink__spm_sentence *sentence, void *context, ink_error *err)
{
    *bytes = nullptr;
    *len = 0;
    try {
        std::string model;
        Sentences sentences(sentence, context);
        const auto status =
            sentencepiece::SentencePieceTrainer::Train(settings(*training), &sentences, &model);
        if (!status.ok())
            return ink_fail(err, INK_E_FORMAT, "%s", status.error_message());
        *bytes = static_cast<char *>(std::malloc(model.size() + 1));
        if (!*bytes)
            return ink_fail(err, INK_E_MEMORY, "no memory for a model of %zu bytes", model.size());
        std::memcpy(*bytes, model.data(), model.size());
        *len = model.size();
        return INK_OK;
    } catch (...) {
        return caught("training", err);
    }
}
