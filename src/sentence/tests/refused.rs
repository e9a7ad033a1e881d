//! Folders that are refused, and what is said.

use std::fs;
use std::path::Path;

use super::tiny;
use crate::SentenceEncoder;

#[test]
fn a_missing_folder_or_file_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none");
    let error = SentenceEncoder::open(&none).unwrap_err();
    assert_eq!(error.file, none);
    assert!(error.help.contains("make text-model"));
    for name in tiny::FILES {
        tiny::write(folder.path());
        fs::remove_file(folder.path().join(name)).unwrap();
        let error = SentenceEncoder::open(folder.path()).unwrap_err();
        assert_eq!(error.file, folder.path().join(name));
        assert!(error.message.contains("missing"), "{error}");
        assert!(error.help.contains("make text-model"), "{}", error.help);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_not_computed_here_is_refused_by_file_and_key() {
    let changes = [
        ("config.json", r#""gelu""#, r#""relu""#, "hidden_act"),
        ("config.json", r#""bert""#, r#""mpnet""#, "model_type"),
        (
            "config.json",
            r#""absolute""#,
            r#""relative_key""#,
            "position_embedding_type",
        ),
        (
            "config.json",
            r#""num_attention_heads":3"#,
            r#""num_attention_heads":5"#,
            "multiple",
        ),
        (
            "config.json",
            r#""num_hidden_layers":2"#,
            r#""num_hidden_layers":0"#,
            "size",
        ),
        (
            "config.json",
            r#""vocab_size":26"#,
            r#""vocab_size":20"#,
            "token 25 is beyond",
        ),
        ("modules.json", "models.Normalize", "models.Dense", "Dense"),
        ("modules.json", "1_Pooling", "2_Pooling", "1_Pooling"),
        ("1_Pooling/config.json", "true", "false", "mean"),
        (
            "1_Pooling/config.json",
            "{",
            r#"{"pooling_mode_max_tokens":true,"#,
            "mean",
        ),
        (
            "sentence_bert_config.json",
            "32",
            "41",
            "not between 3 and 40",
        ),
        (
            "sentence_bert_config.json",
            "false",
            "true",
            "do_lower_case",
        ),
        (
            "tokenizer.json",
            r#""BertNormalizer""#,
            r#""NFKC""#,
            "normalizer is NFKC",
        ),
        (
            "tokenizer.json",
            r#""unk_token":"[UNK]""#,
            r#""unk_token":"?""#,
            "not in the vocabulary",
        ),
        (
            "tokenizer.json",
            r#""lstrip":false"#,
            r#""lstrip":true"#,
            "stripped",
        ),
        (
            "tokenizer.json",
            r#"{"type":"BertPreTokenizer"}"#,
            "null",
            "cannot be understood",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, from, to, says) in changes {
        tiny::write(folder.path());
        let path = folder.path().join(name);
        let before = fs::read_to_string(&path).unwrap();
        let after = before.replace(from, to);
        assert_ne!(before, after, "{from}");
        fs::write(&path, after).unwrap();
        let error = SentenceEncoder::open(folder.path()).unwrap_err();
        assert!(error.message.contains(says), "{from}: {error}");
        if !says.starts_with("token ") {
            assert_eq!(error.file, path);
        }
        assert!(error.help.contains("make text-model"));
    }
}

#[test]
fn weights_that_are_cut_or_not_finite_or_of_another_shape_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8], says: &str, folder: &Path| {
        fs::write(&path, bytes).unwrap();
        let error = SentenceEncoder::open(folder).unwrap_err();
        assert_eq!(error.file, path);
        assert!(error.message.contains(says), "{error}");
    };
    refused(
        &whole[..whole.len() - 1],
        "no whole safetensors file",
        folder.path(),
    );
    let header = 8 + u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
    let mut bytes = whole.clone();
    for value in bytes[header..].as_chunks_mut::<4>().0 {
        *value = f32::NAN.to_le_bytes();
    }
    refused(&bytes, "not finite", folder.path());
    let text = String::from_utf8_lossy(&whole[..header]).replace("[40,24]", "[24,40]");
    let bytes = [text.as_bytes(), &whole[header..]].concat();
    refused(&bytes, "where the configuration wants F32", folder.path());
    let text = String::from_utf8_lossy(&whole[..header]).replace("query.bias", "quirk.bias");
    let bytes = [text.as_bytes(), &whole[header..]].concat();
    refused(
        &bytes,
        "has no tensor encoder.layer.0.attention.self.query.bias",
        folder.path(),
    );
}
