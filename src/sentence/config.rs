//! What the files of a model's folder say about its shape, its pooling and its limits.
//!
//! Invariant: a [`Config`] names a model that this encoder computes exactly; whatever else a folder
//! asks for is refused here, by the name of the file and the key.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::SentenceError;
use super::folder::{Files, POOLING};

/// Tokens of one text, markers included, that the encoder takes at most.
pub(crate) const MAX_TOKENS: usize = 512;

/// The shape of a BERT encoder (Devlin et al. 2018, arXiv 1810.04805) and what is made of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    pub layers: usize,
    pub heads: usize,
    pub hidden: usize,
    pub intermediate: usize,
    pub vocabulary: usize,
    pub positions: usize,
    pub token_types: usize,
    pub norm_eps: f32,
    /// Tokens of one text, markers included; what is longer is cut.
    pub max_tokens: usize,
    /// Vectors are brought to length 1.
    pub normalize: bool,
}

#[derive(Deserialize)]
struct Bert {
    model_type: String,
    hidden_act: String,
    hidden_size: usize,
    intermediate_size: usize,
    layer_norm_eps: f32,
    max_position_embeddings: usize,
    num_attention_heads: usize,
    num_hidden_layers: usize,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    type_vocab_size: usize,
    vocab_size: usize,
}

fn absolute() -> String {
    "absolute".to_owned()
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Pooling {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

#[derive(Deserialize)]
struct Limits {
    max_seq_length: usize,
    #[serde(default)]
    do_lower_case: bool,
}

impl Config {
    pub(crate) fn read(files: &Files) -> Result<Config, SentenceError> {
        let bert: Bert = parse(&files.config)?;
        let path = &files.config.0;
        check(path, "model_type", &bert.model_type, "bert")?;
        check(path, "hidden_act", &bert.hidden_act, "gelu")?;
        let positions = &bert.position_embedding_type;
        check(path, "position_embedding_type", positions, "absolute")?;
        let sizes = [
            bert.hidden_size,
            bert.intermediate_size,
            bert.num_attention_heads,
            bert.num_hidden_layers,
            bert.type_vocab_size,
            bert.vocab_size,
            bert.max_position_embeddings,
        ];
        // Above this nothing real stands, and products of sizes cannot overflow.
        if sizes.iter().any(|size| !(1..=1 << 20).contains(size)) {
            return Err(SentenceError::model(path, "a size is 0 or above 1048576"));
        }
        if !bert.hidden_size.is_multiple_of(bert.num_attention_heads) {
            let message = "hidden_size is not a multiple of num_attention_heads";
            return Err(SentenceError::model(path, message));
        }
        if !(bert.layer_norm_eps >= 0.0 && bert.layer_norm_eps < 1.0) {
            let message = "layer_norm_eps is not between 0 and 1";
            return Err(SentenceError::model(path, message));
        }
        check_pooling(files)?;
        Ok(Config {
            layers: bert.num_hidden_layers,
            heads: bert.num_attention_heads,
            hidden: bert.hidden_size,
            intermediate: bert.intermediate_size,
            vocabulary: bert.vocab_size,
            positions: bert.max_position_embeddings,
            token_types: bert.type_vocab_size,
            norm_eps: bert.layer_norm_eps,
            max_tokens: max_tokens(files, bert.max_position_embeddings)?,
            normalize: normalize(files)?,
        })
    }
}

/// Whether the chain of modules ends in a normalisation; other chains are refused.
fn normalize(files: &Files) -> Result<bool, SentenceError> {
    let modules: Vec<Module> = parse(&files.modules)?;
    let kinds: Vec<&str> = modules
        .iter()
        .map(|module| module.kind.rsplit('.').next().unwrap_or_default())
        .collect();
    let paths: Vec<&str> = modules.iter().map(|module| module.path.as_str()).collect();
    let pools_where_read = matches!(paths.as_slice(), ["", pooling, ..]
        if Path::new(pooling).join("config.json") == Path::new(POOLING));
    match kinds.as_slice() {
        ["Transformer", "Pooling"] if pools_where_read => Ok(false),
        ["Transformer", "Pooling", "Normalize"] if pools_where_read => Ok(true),
        _ => Err(SentenceError::model(
            &files.modules.0,
            format!(
                "the modules are {}, not Transformer, Pooling (in {POOLING}) and perhaps Normalize",
                kinds.join(", ")
            ),
        )),
    }
}

fn check_pooling(files: &Files) -> Result<(), SentenceError> {
    let pooling: Pooling = parse(&files.pooling)?;
    let others = pooling.pooling_mode_cls_token
        || pooling.pooling_mode_max_tokens
        || pooling.pooling_mode_mean_sqrt_len_tokens
        || pooling.pooling_mode_weightedmean_tokens
        || pooling.pooling_mode_lasttoken;
    if !pooling.pooling_mode_mean_tokens || others {
        let message = "pooling is not the mean over tokens alone";
        return Err(SentenceError::model(&files.pooling.0, message));
    }
    Ok(())
}

fn max_tokens(files: &Files, positions: usize) -> Result<usize, SentenceError> {
    let limits: Limits = parse(&files.limits)?;
    let path = &files.limits.0;
    if limits.do_lower_case {
        let message = "do_lower_case is true: the tokenizer alone may change the case";
        return Err(SentenceError::model(path, message));
    }
    let most = positions.min(MAX_TOKENS);
    // Two markers and one token.
    if !(3..=most).contains(&limits.max_seq_length) {
        let length = limits.max_seq_length;
        let message = format!("max_seq_length is {length}, not between 3 and {most}");
        return Err(SentenceError::model(path, message));
    }
    Ok(limits.max_seq_length)
}

fn check(path: &Path, key: &str, has: &str, wants: &str) -> Result<(), SentenceError> {
    if has == wants {
        return Ok(());
    }
    let message = format!("{key} is {has:?}, and only {wants:?} is computed here");
    Err(SentenceError::model(path, message))
}

fn parse<T: DeserializeOwned>(file: &super::folder::Read) -> Result<T, SentenceError> {
    serde_json::from_slice(&file.1)
        .map_err(|error| SentenceError::model(&file.0, format!("cannot be understood: {error}")))
}
