//! A BERT folder of a few kilobytes, with weights from a formula.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

pub(super) const FILES: [&str; 6] = [
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "model.safetensors",
];

const HIDDEN: usize = 24;
const INTERMEDIATE: usize = 40;
const LAYERS: usize = 2;
const POSITIONS: usize = 40;

/// Writes the six files. Heads are 8 wide, texts at most 32 tokens long.
pub(crate) fn write(folder: &Path) {
    let vocabulary = vocabulary();
    let texts = [
        json!({
            "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
            "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE, "layer_norm_eps": 1e-12,
            "max_position_embeddings": POSITIONS, "num_attention_heads": 3,
            "num_hidden_layers": LAYERS, "position_embedding_type": "absolute",
            "type_vocab_size": 2, "vocab_size": vocabulary.len(), "pad_token_id": 0,
        }),
        json!([
            { "idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer" },
            { "idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling" },
            { "idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize" },
        ]),
        json!({ "word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": true }),
        json!({ "max_seq_length": 32, "do_lower_case": false }),
        tokenizer(&vocabulary),
    ];
    fs::create_dir_all(folder.join("1_Pooling")).unwrap();
    for (name, text) in FILES.iter().zip(texts) {
        fs::write(folder.join(name), text.to_string()).unwrap();
    }
    fs::write(folder.join(FILES[5]), weights(vocabulary.len())).unwrap();
}

fn vocabulary() -> Vec<String> {
    let mut pieces: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "!", ",", "你"]
        .map(str::to_owned)
        .to_vec();
    for letter in 'a'..='f' {
        pieces.push(letter.to_string());
        pieces.push(format!("##{letter}"));
    }
    pieces.extend(["cab", "bad", "##ad", "abc", "##abc", "caf"].map(str::to_owned));
    pieces
}

fn tokenizer(vocabulary: &[String]) -> serde_json::Value {
    let special = |id: usize| {
        json!({
            "id": id, "content": vocabulary[id], "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true,
        })
    };
    let marker = |id: usize| json!({ "SpecialToken": { "id": vocabulary[id], "type_id": 0 } });
    let ids = |id: usize| json!({ "id": vocabulary[id], "ids": [id], "tokens": [vocabulary[id]] });
    let numbers: HashMap<&String, usize> = vocabulary.iter().zip(0..).collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": (0..5).map(special).collect::<Vec<_>>(),
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [marker(2), { "Sequence": { "id": "A", "type_id": 0 } }, marker(3)],
            "pair": [
                marker(2), { "Sequence": { "id": "A", "type_id": 0 } }, marker(3),
                { "Sequence": { "id": "B", "type_id": 1 } }, marker(3),
            ],
            "special_tokens": { "[CLS]": ids(2), "[SEP]": ids(3) },
        },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 20, "vocab": numbers,
        },
    })
}

fn weights(vocabulary: usize) -> Vec<u8> {
    let mut tensors = vec![
        (
            "embeddings.word_embeddings.weight".to_owned(),
            vec![vocabulary, HIDDEN],
        ),
        (
            "embeddings.position_embeddings.weight".to_owned(),
            vec![POSITIONS, HIDDEN],
        ),
        (
            "embeddings.token_type_embeddings.weight".to_owned(),
            vec![2, HIDDEN],
        ),
    ];
    let mut pair = |name: String, weight: Vec<usize>| {
        tensors.push((format!("{name}.bias"), vec![weight[0]]));
        tensors.push((format!("{name}.weight"), weight));
    };
    pair("embeddings.LayerNorm".to_owned(), vec![HIDDEN]);
    for layer in 0..LAYERS {
        let layer = format!("encoder.layer.{layer}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            pair(format!("{layer}.attention.{part}"), vec![HIDDEN, HIDDEN]);
        }
        pair(format!("{layer}.attention.output.LayerNorm"), vec![HIDDEN]);
        pair(
            format!("{layer}.intermediate.dense"),
            vec![INTERMEDIATE, HIDDEN],
        );
        pair(format!("{layer}.output.dense"), vec![HIDDEN, INTERMEDIATE]);
        pair(format!("{layer}.output.LayerNorm"), vec![HIDDEN]);
    }
    pair("pooler.dense".to_owned(), vec![HIDDEN, HIDDEN]);
    // Spread over -0.5 to 0.5 by a multiplicative hash, another for each tensor.
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .zip(1u32..)
        .map(|((_, shape), tensor)| {
            let count = shape.iter().product::<usize>() as u32;
            let value = |i: u32| {
                let hash = (i + 7919 * tensor).wrapping_mul(2_654_435_761) >> 16;
                hash as f32 / 65_536.0 - 0.5
            };
            (0..count).flat_map(|i| value(i).to_le_bytes()).collect()
        })
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape), bytes)| {
        (
            name,
            TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
        )
    });
    // PyTorch's loader asks for the metadata.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).unwrap()
}
