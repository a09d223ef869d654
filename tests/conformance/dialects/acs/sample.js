const API_KEY = 'your_api_key_here';
const BASE_URL = 'https://test-compliance-api.umbrosus.com/api/v1/compliance';
async function checkTextCompliance(content, amount = 10) {
const response = await fetch(`${BASE_URL}/text`, {
method: 'POST',
headers: {
'Authorization': `Bearer ${API_KEY}`,
'Content-Type': 'application/json'
},
body: JSON.stringify({
content,
amount,
decision_method: 'average',
verbose: 2
})
});
return await response.json();
}
async function checkImageCompliance(imageUrl, context = null) {
const payload = {
content: imageUrl,
amount: 10,
verbose: 2
};
if (context) {
payload.context = context;
}
const response = await fetch(`${BASE_URL}/image`, {
method: 'POST',
headers: {
'Authorization': `Bearer ${API_KEY}`,
'Content-Type': 'application/json'
},
body: JSON.stringify(payload)
});
return await response.json();
}
async function checkConversationCompliance(messages) {
const response = await fetch(`${BASE_URL}/conversation`, {
method: 'POST',
headers: {
'Authorization': `Bearer ${API_KEY}`,
'Content-Type': 'application/json'
},
body: JSON.stringify({
content: messages,
amount: 8,
decision_method: 'average',
verbose: 2
})
});
return await response.json();
}
// Example usage
(async () => {
// Check text
const result = await checkTextCompliance(
'This is a user comment that needs to be reviewed.'
);
console.log('Decision:', result.decision);
console.log('Reason:', result.reason);
// Check image
const imageResult = await checkImageCompliance(
'https://example.com/user-upload.jpg',
'Profile picture upload'
);
console.log('Image Decision:', imageResult.decision);
// Check conversation
const conversation = [
{ role: 'user', content: 'Hello!' },
{ role: 'assistant', content: 'Hi! How can I help?' },
{ role: 'user', content: 'I need some information.' }
];
const convResult = await checkConversationCompliance(conversation);
console.log('Conversation Decision:', convResult.decision);
})();
